/** The bars of the KV cache, by fixed ids: reports are compared over time. */
import { atLeast, atMost, judgeBars } from '../support/bars.mjs';
import { preemptBars } from './preempt.mjs';

/** By how much more an ablation must diverge to count as visibly worse. */
export const visiblyWorse = 1.2;

/** Rows of the quality table that must be visibly worse than kv4 on the outlier twin. */
export const ablations = [
  ...['no-mean', 'no-fold', 'no-rotation', 'qjl-gauss', 'qjl-orth', 'uniform'],
  ...['q4_0-h', 'q4_0-hm', 'kivi4'],
];

/** By id. */
export const bars = {
  'kl-kv8': atMost(0.001, 'nats'),
  'kl-kv4': atMost(0.01, 'nats'),
  /** Percentage points of top-1 agreement: kv4's less those of q4_0 after Hadamard. */
  'top1-kv4': atLeast(0, 'points'),
  'top1-clear-kv4': atLeast(99.9, '%'),
  ablations: atLeast(ablations.length, 'rows'),
  'bytes-8b-32k': atMost(1210, 'MiB'),
  'attn-8k': atLeast(4),
  'attn-32k': atLeast(4),
  'attn-8k-avx2': atLeast(2.3),
  'attn-32k-avx2': atLeast(2.3),
  'never-slower': atLeast(1),
  'fp16-path': atLeast(1),
  'decode-8k-q4_0-1.7b': atLeast(8),
  'decode-8k-f16-1.7b': atLeast(4),
  'decode-8k-q4_0-8b': atLeast(8),
  'decode-8k-f16-8b': atLeast(4),
  encode: atMost(3, '%'),
};

/** Of the part "prefix", which is a benchmark of its own: shared pages, moved ones, saved ones, and who waits for whom. */
export const prefixBars = {
  /** Trials whose logits are not those of a run that reuses nothing. */
  'reuse-exact': atMost(0, 'wrong'),
  /** After a hundred edits, divergence from half precision: moved pages over pages computed anew. */
  'shift-kl': atMost(1.05, 'x'),
  /** Completions that are exactly right: how many fewer with moved pages. */
  'shift-em': atMost(2, '%'),
  'restore-8k': atMost(1, 's'),
  corruption: atMost(0, 'violations'),
  ...preemptBars,
  /** What eight forks and their trunk hold, over one prefix and the tails. */
  fork: atMost(1, 'x'),
  /** The most memory held, over the budget. */
  soak: atMost(1.05, 'x'),
};

/** @param {Record<string, { value: number | null, note?: string }>} measured by id */
export const judge = (measured, owed = bars) => judgeBars(owed, measured);
