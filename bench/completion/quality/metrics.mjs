/** What predictions are worth. Nothing here measures. */
import { random } from './cuts.mjs';

/**
 * The rest of the cursor's line as it would stand there: a suggestion's first line without white space at its end. A suggestion that
 * goes on with further lines is right in this sense when its first line is.
 */
export const firstLine = (text) => (/^[^\r\n]*/.exec(text)?.[0] ?? '').trimEnd();

export const exact = (said, expected) => said !== '' && firstLine(said) === expected.trimEnd();

const squeezed = (text) => text.replace(/\s+/g, ' ').trim();

/**
 * Whether what stood behind the cursor begins with the whole suggestion, whatever white space is between words. What is confirmed
 * need not reach the line's end.
 */
export function confirmed(said, follows) {
  const wanted = squeezed(said);
  const found = squeezed(follows.slice(0, 4 * said.length + 1000));
  return wanted !== '' && found.startsWith(wanted);
}

function editDistance(a, b) {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      row.push(Math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    previous = row;
  }
  return previous[b.length];
}

/** 1 = the same; 0 = nothing in common. Levenshtein's distance over the longer one's length. */
export function similarity(a, b) {
  return 1 - editDistance(a, b) / Math.max(1, a.length, b.length);
}

/** Wilson's 95 % interval of `hits` in `count`, as shares. */
export function interval(hits, count) {
  const z = 1.96;
  const share = hits / count;
  const middle = (share + (z * z) / (2 * count)) / (1 + (z * z) / count);
  const half =
    (z / (1 + (z * z) / count)) * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

export const coverages = [0.1, 0.2, 0.3, 0.5];

/**
 * Of the surest `coverage` of all cuts, the share that `good` holds of. Those with nothing to show come last; equals keep their
 * order. Where less was said than the coverage asks for, silence counts as wrong.
 * @param {{ confidence: number, said: string, [verdict: string]: unknown }[]} rows
 */
export function precisionAt(rows, coverage, good) {
  const taken = Math.max(1, Math.floor(rows.length * coverage));
  const surest = rows
    .map((row, i) => ({ row, i, sure: row.said === '' ? -1 : row.confidence }))
    .sort((a, b) => b.sure - a.sure || a.i - b.i)
    .slice(0, taken);
  return surest.filter(({ row }) => good(row)).length / taken;
}

/**
 * A predictor over all cuts of a kind.
 * @param {{ said: string, exact: boolean, confirmed: boolean, similarity: number, confidence: number }[]} rows
 */
export function summarise(rows) {
  const count = (good) => rows.filter(good).length;
  const right = count((row) => row.exact);
  const shown = count((row) => row.said !== '');
  const kept = count((row) => row.confirmed);
  return {
    ...{ cuts: rows.length, right, exact: right / rows.length, interval: interval(right, rows.length) },
    similarity: rows.reduce((sum, row) => sum + row.similarity, 0) / rows.length,
    ...{ shown, coverage: shown / rows.length, confirmed: kept },
    /** Of what is shown. Null where nothing is. */
    precision: shown === 0 ? null : kept / shown,
    precisionInterval: shown === 0 ? null : interval(kept, shown),
    confirmedAt: Object.fromEntries(
      coverages.map((at) => [at, precisionAt(rows, at, (row) => row.confirmed)]),
    ),
    exactAt: Object.fromEntries(coverages.map((at) => [at, precisionAt(rows, at, (row) => row.exact)])),
  };
}

/** The 95 % interval of the ratio of two predictors' exact matches over the same cuts: drawn again 1,000 times (bootstrap). */
export function ratioInterval(ours, theirs, draws = 1000) {
  const next = random('ratio');
  const ratios = Array.from({ length: draws }, () => {
    let [a, b] = [0, 0];
    for (let i = 0; i < ours.length; i += 1) {
      const at = Math.floor(next() * ours.length);
      a += ours[at].exact ? 1 : 0;
      b += theirs[at].exact ? 1 : 0;
    }
    return a / b; // Infinity where the other one had nothing right
  }).sort((a, b) => a - b);
  return [ratios[Math.floor(draws * 0.025)], ratios[Math.ceil(draws * 0.975) - 1]];
}
