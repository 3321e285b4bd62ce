/** Two ways of doing the same trials: how many fewer the second gets right, and how sure that is. */

/** ln(n!) for small whole numbers. */
function logFactorial(n) {
  let sum = 0;
  for (let i = 2; i <= n; i += 1) {
    sum += Math.log(i);
  }
  return sum;
}

/**
 * The sign test: how likely a split at least as uneven as this one is where either way is as good as the other (two-sided, exact).
 * @param {number} a trials that only the first way got right
 * @param {number} b trials that only the second way got right
 */
export function signTest(a, b) {
  const n = a + b;
  let tail = 0;
  for (let k = 0; k <= Math.min(a, b); k += 1) {
    tail += Math.exp(logFactorial(n) - logFactorial(k) - logFactorial(n - k) - n * Math.LN2);
  }
  return Math.min(1, 2 * tail);
}

/**
 * By how much of the first's the second gets fewer right, in percent, with a 95 % interval: of the ratio of two paired proportions, normal in its
 * logarithm, whose variance is (a + b) / (first * second). `low` and `high` are null where one of both got nothing right.
 * @param {{ both: number, onlyFirst: number, onlySecond: number }} counts of trials
 */
export function pairedLoss({ both, onlyFirst, onlySecond }) {
  const [first, second] = [both + onlyFirst, both + onlySecond];
  if (first === 0 || second === 0) {
    return { loss: first === 0 ? null : 100, low: null, high: null, p: signTest(onlyFirst, onlySecond) };
  }
  const ratio = second / first;
  const spread = 1.96 * Math.sqrt((onlyFirst + onlySecond) / (first * second));
  const percent = (factor) => (1 - ratio * Math.exp(factor)) * 100;
  return {
    ...{ loss: percent(0), low: percent(spread), high: percent(-spread) },
    p: signTest(onlyFirst, onlySecond),
  };
}
