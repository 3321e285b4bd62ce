/** Distributions of times of which some were cut off: a keystroke that comes before the answer takes the request back. */

/**
 * The product-limit estimate (Kaplan and Meier 1958) of a quantile. Times that were cut off count as longer than that; leaving them
 * out would make a slow server look quick, because only its quick answers would be seen. Infinity where too many were cut off to say.
 * @param {{ ms: number, cut: boolean }[]} times
 */
export function quantile(times, share) {
  const sorted = [...times].sort((a, b) => a.ms - b.ms || Number(a.cut) - Number(b.cut));
  let alive = 1;
  let left = sorted.length;
  for (const { ms, cut } of sorted) {
    if (!cut) {
      alive *= 1 - 1 / left;
      if (alive <= 1 - share + 1e-9) {
        return ms;
      }
    }
    left -= 1;
  }
  return Infinity;
}

/** Of whole numbers and milliseconds without cuts: the nearest rank. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** p50 and p95 of each phase, milliseconds. */
export function byPhase(rows) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return Object.fromEntries(
    names.map((name) => {
      const values = rows.map((row) => row[name]).filter((value) => typeof value === 'number');
      return [name, { p50: percentile(values, 0.5), p95: percentile(values, 0.95), count: values.length }];
    }),
  );
}
