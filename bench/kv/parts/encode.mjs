/**
 * What codes cost while a prompt is evaluated: the 1.7B shape, the product's model and caches, a clock around Prepare (where pages
 * are sealed), and Store (where keys and values are rotated) timed for a page at once.
 */
import { encodeShares } from '../composition.mjs';
import { runProgram } from '../program.mjs';

/** [tokens, rounds] */
const plan = [
  [512, 15],
  [2048, 7],
];

export async function encode({ program, models, threads, quick }, report) {
  const model = models.synthetic('qwen3-1.7B');
  const rows = [];
  for (const [tokens, rounds] of quick ? plan.slice(0, 1) : plan) {
    const measured = await runProgram(program, 'encode', { model, tokens, rounds, threads });
    rows.push({ ...measured, ...encodeShares(measured) });
  }
  report.tables.encode = { rows };
  const worst = rows.reduce((a, b) => (b.share > a.share ? b : a));
  const each = rows.map(
    ({ tokens, wall, processor }) =>
      `${tokens} tokens: ${wall.toFixed(2)} % of the time, ${processor.toFixed(2)} % of the processor's`,
  );
  report.bar('encode', worst.share, `${each.join('; ')}; ${worst.threads} threads, kernels ${worst.kernels}`);
}
