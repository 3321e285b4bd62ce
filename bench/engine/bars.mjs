/**
 * The bars: fixed ids, so that reports can be compared over time. A bar that was not measured is in the report all the same, and
 * does not hold.
 */
import { atLeast, atMost, judgeBars } from '../support/bars.mjs';

const sizes = ['1.7b', '4b', '8b'];

/** By id. */
export const bars = {
  ...Object.fromEntries(sizes.map((size) => [`decode-avx2-${size}`, atLeast(5)])),
  ...Object.fromEntries(sizes.map((size) => [`decode-best-${size}`, atLeast(5.5)])),
  'prefill512-avx2-1.7b': atLeast(4),
  'prefill512-avx512vnni-1.7b': atLeast(6),
  'prefill512-amx-1.7b': atLeast(15),
  'load-8b': atMost(1.0),
  'busy-1.7b': atLeast(0.8),
  'decode-embedded': atLeast(4),
  'cancel-8b': atMost(20, 'ms'),
  'kl-embedded': atMost(1.0),
  /** Percentage points by which ours may be below the peer's; the value is ours less the peer's. */
  'top1-embedded': atLeast(-0.1, 'points'),
  'top1-margin-embedded': atLeast(99.9, '%'),
  lookup: atLeast(1.8),
};

/**
 * Every bar with what was measured.
 * @param {Record<string, { value: number | null, note?: string }>} measured by id
 */
export const judge = (measured) => judgeBars(bars, measured);
