/**
 * Evaluating a fresh prompt of 512 tokens, with each of the kernel tables that have a bar. Neither engine computes logits:
 * llama.cpp is asked for none, and ours computes them when somebody wants the next token.
 */
import { freshPrompt, prefillTrial, settingsText, Short } from '../engines.mjs';
import { takeTurns } from '../figures.mjs';

const length = 512;
const tables = ['avx2', 'avx512vnni', 'amx'];

export async function prefill({ engines, models, quick, rounds }, report) {
  const path = models.synthetic('qwen3-1.7B');
  const contextSize = 640;
  const ours = {};
  for (const kernels of tables) {
    try {
      ours[kernels] = await engines.oursWith({ path, contextSize, threads: 0 }, kernels);
    } catch (error) {
      if (!(error instanceof Short)) {
        throw error;
      }
      report.bar(`prefill512-${kernels}-1.7b`, null, error.message);
    }
  }
  const peer = await engines.peerWith(path, contextSize, prefillTrial(quick ? 48 : 128));
  const evaluate = (child, count) => async () => {
    const { ms } = await child.ask('prefill', { tokens: freshPrompt(count) });
    return (count / ms) * 1000;
  };
  const turns = (count) => ({
    ...Object.fromEntries(Object.entries(ours).map(([name, child]) => [name, evaluate(child, count)])),
    peer: evaluate(peer, count),
  });
  await takeTurns(1, turns(32));
  const { peer: theirs, ...measured } = await takeTurns(rounds, turns(length));
  for (const [kernels, { median, all }] of Object.entries(measured)) {
    report.row({
      ...{ model: '1.7b', what: 'prefill', tokens: length, unit: 'tok/s', kernels },
      ...{ ours: median, oursAll: all, peer: theirs.median, peerAll: theirs.all },
      ratio: median / theirs.median,
      settings: `${ours[kernels].threads} threads; ${settingsText(peer.settings)}`,
    });
    report.bar(`prefill512-${kernels}-1.7b`, median / theirs.median);
  }
}
