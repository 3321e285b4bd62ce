/**
 * Attention of one token in one layer of the 8B shape (32 heads, 8 kv heads of 128), one thread, pages streamed from memory: each
 * codec against our own fp16 cache in one interleaved run, with the best kernels and with avx2.
 */
import { median } from '../../engine/figures.mjs';
import { runProgram } from '../program.mjs';

const depths = [2048, 8192, 32_768];

/** Times as many times faster than fp16, by codec. */
export function ratios({ milliseconds }) {
  const half = median(milliseconds.f16);
  return Object.fromEntries(
    Object.entries(milliseconds)
      .filter(([codec]) => codec !== 'f16')
      .map(([codec, times]) => [codec, half / median(times)]),
  );
}

async function measure({ program, threads, quick }, kernels) {
  const rows = [];
  for (const depth of depths) {
    const options = { depth, threads, rounds: quick ? 5 : 15, ...(kernels && { kernels }) };
    rows.push(await runProgram(program, 'attention', options));
  }
  return rows;
}

export async function attention(context, report) {
  const rows = [];
  let slowest = { ratio: Infinity };
  for (const [kernels, ending] of [
    [undefined, ''],
    ['avx2', '-avx2'],
  ]) {
    let measured;
    try {
      measured = await measure(context, kernels);
    } catch (error) {
      // A table that this CPU lacks costs its own bars.
      report.failed(
        'attention',
        ['attn-8k', 'attn-32k'].map((id) => id + ending),
        error.message,
      );
      continue;
    }
    rows.push(...measured);
    for (const row of measured) {
      const faster = ratios(row);
      if (row.depth > 2048) {
        report.bar(`attn-${row.depth / 1024}k${ending}`, faster.kv4, `kernels ${row.kernels}`);
      }
      for (const [codec, ratio] of Object.entries(faster)) {
        slowest = ratio < slowest.ratio ? { ratio, codec, row } : slowest;
      }
    }
  }
  report.tables.attention = { rows };
  if (slowest.row !== undefined) {
    const { ratio, codec, row } = slowest;
    report.bar('never-slower', ratio, `${codec}, ${row.kernels}, ${row.depth} tokens`);
  }
}
