/**
 * The bars: fixed ids, so that reports can be compared over time. A bar that was not measured is in the report all the same, and
 * does not hold.
 */
const atLeast = (bar) => ({ bar, unit: 'x', holds: (value) => value >= bar });
const atMost = (bar, unit = 'x') => ({ bar, unit, most: true, holds: (value) => value <= bar });
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
  'top1-embedded': { ...atLeast(-0.1), unit: 'points' },
  'top1-margin-embedded': { ...atLeast(99.9), unit: '%' },
  lookup: atLeast(1.8),
};

/**
 * Every bar with what was measured.
 * @param {Record<string, { value: number | null, note?: string }>} measured by id
 */
export function judge(measured) {
  const unknown = Object.keys(measured).filter((id) => !Object.hasOwn(bars, id));
  if (unknown.length > 0) {
    throw new Error(`There are no bars called ${unknown.join(', ')}.`);
  }
  return Object.entries(bars).map(([id, { bar, unit, most = false, holds }]) => {
    const { value = null, note = 'not measured in this run' } = measured[id] ?? {};
    const sound = typeof value === 'number' && Number.isFinite(value);
    return {
      ...{ id, value: sound ? value : null, unit, bar, atMost: most, holds: sound && holds(value) },
      ...((measured[id]?.note !== undefined || !sound) && { note }),
    };
  });
}
