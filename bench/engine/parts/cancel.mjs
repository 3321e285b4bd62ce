/**
 * Cancelling the evaluation of a prompt of 512 tokens in the 8B shape at random moments. Idle is when the request has been
 * rejected and a job handed in right after the cancel has been taken up; the worst case counts. What is cancelled is asked for
 * again until it has been evaluated: finished pages stay, so that the moments lie all over the prompt and cost little time.
 */
import { freshPrompt } from '../engines.mjs';
import { median } from '../figures.mjs';

const length = 512;

/** Numbers from 0 to 1 that look random and are the same in every run (mulberry32). */
export function* random(seed) {
  for (let state = seed; ;) {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    yield ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
}

export async function cancel({ engines, models, quick }, report) {
  const ours = await engines.oursWith({ path: models.synthetic('qwen3-8B'), contextSize: 640, threads: 0 });
  await ours.ask('prefill', { tokens: freshPrompt(16) });
  const { ms: quarter } = await ours.ask('prefill', { tokens: freshPrompt(length / 4) });
  const moments = quick ? 20 : 60;
  const numbers = random(1);
  const taken = [];
  let tokens = freshPrompt(length);
  for (let tries = 0; taken.length < moments; tries += 1) {
    if (tries > 3 * moments) {
      throw new Error(`only ${taken.length} of ${tries} cancels came before the end`);
    }
    // Somewhat longer than a page takes, so that most tries get a page further.
    const afterMs = numbers.next().value * 1.4 * quarter;
    const answer = await ours.ask('cancelPrefill', { tokens, afterMs });
    if (answer.late) {
      tokens = freshPrompt(length);
    } else {
      taken.push({ done: answer.done, ms: Math.max(answer.rejectedMs, answer.nextMs) });
    }
  }
  const worst = taken.reduce((a, b) => (b.ms > a.ms ? b : a));
  const all = taken.map(({ ms }) => ms);
  report.row({
    ...{
      model: '8b',
      what: 'cancel to idle in prefill 512, worst',
      unit: 'ms',
      kernels: ours.kernels,
      ours: worst.ms,
    },
    ...{ oursAll: all, settings: `${ours.threads} threads` },
  });
  report.bar(
    'cancel-8b',
    worst.ms,
    `worst of ${moments} moments (median ${median(all).toFixed(1)} ms), with ${worst.done} of ${length} tokens evaluated; ` +
      `the furthest with ${Math.max(...taken.map(({ done }) => done))}`,
  );
}
