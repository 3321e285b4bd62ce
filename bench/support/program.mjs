/** The frame of a benchmark of the product: its options, its set-up, its report. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { models, prepareOurs } from '../engine/prepare.mjs';
import { partsNamed, runParts, TableReport } from './report.mjs';

async function measure({ bars, loadParts }, { quick, only }) {
  const ours = await prepareOurs();
  // They load packages, which are there now.
  const { parts } = await loadParts();
  const chosen = partsNamed(parts, only);
  const report = new TableReport(bars);
  const loadBefore = loadavg()[0];
  const context = {
    ...ours,
    ...{ models, quick, threads: availableParallelism() },
    log: (text) => console.error(text), // progress; the report alone is on the standard output
  };
  await runParts(chosen, context, report);
  return {
    ...{ date: new Date().toISOString().slice(0, 10), cpu: cpus()[0]?.model.trim() ?? 'unknown' },
    ...{ cores: availableParallelism(), load: [loadBefore, loadavg()[0]], quick },
    ...{ seconds: report.seconds, notes: report.notes, tables: report.tables, bars: report.bars() },
  };
}

/**
 * --only runs single parts; bars of the others count as short. --quick measures less of each. --json writes the report; --from shows one
 * that was written before, and measures nothing.
 * @param {{ bars: Record<string, object>, loadParts: () => Promise<{ parts: readonly object[] }>, printReport: (report: object) => void }} benchmark
 */
export async function runProgram(benchmark) {
  try {
    const { values: args } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true },
        json: { type: 'string' },
        from: { type: 'string' },
      },
    });
    const report =
      args.from === undefined ? await measure(benchmark, args) : JSON.parse(readFileSync(args.from, 'utf8'));
    benchmark.printReport(report);
    if (args.json !== undefined) {
      writeFileSync(args.json, `${JSON.stringify(report, null, 2)}\n`);
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
