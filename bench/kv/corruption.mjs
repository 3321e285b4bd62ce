/** Saved pages that are damaged, and processes that are killed while they save: what the bar "corruption" says. */
import { runProgram } from './program.mjs';

const bar = 0;
/** Fewer tries than these show too little. */
export const wanted = { corruptions: 200, kills: 50 };

/**
 * @param {Record<string, number>} counts what `kv_bench corruption` prints
 * @returns the bar; its value is the number of violations: null when too little was tried
 */
export function corruptionBar(counts) {
  const enough =
    counts.corruptions >= wanted.corruptions && counts.kills >= wanted.kills && counts.killedWhileWriting > 0;
  const value = enough && Number.isFinite(counts.violations) ? counts.violations : null;
  const note =
    `${counts.refused} of ${counts.corruptions} corruptions refused, ${counts.wrong} taken for sound; ${counts.kills} kills, ` +
    `${counts.killedWhileWriting} while a file was being written: ${counts.lostByKills} pages lost, ` +
    `${counts.wrongAfterKills} wrong, ${counts.leftovers} files left behind`;
  return { id: 'corruption', value, unit: 'violations', bar, atMost: true, holds: value === bar, note };
}

/** Runs it: some ten seconds. A program that crashes is an error, and no bar. */
export async function measureCorruption(program, options = {}) {
  return corruptionBar(await runProgram(program, 'corruption', { ...wanted, ...options }));
}
