/** What the rows mean for the bars. Nothing here measures. */
import { interval, precisionAt, ratioInterval } from './metrics.mjs';

export const peerForms = ['plain', 'suffix first', 'prefix only'];
export const peerName = (form) => `peer, ${form}`;
/** Of all cursors, where something has to be shown for the bar of precision. */
export const leastCoverage = 0.2;

const right = (rows) => rows.filter((row) => row.exact).length;
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const shareOf = (rows) => percent(right(rows) / rows.length);

/** Null where there is nothing to divide by and nothing to divide. */
function ratio(ours, theirs) {
  const [a, b] = [right(ours), right(theirs)];
  if (b === 0) {
    return a === 0 ? null : Infinity;
  }
  return a / b;
}

const inWords = (value) => (value === Infinity ? 'nothing right to compare with' : `${value.toFixed(2)}x`);

/** The predictor with the most right answers. */
function bestOf(rows, names) {
  return names.reduce((best, name) => (right(rows[name]) > right(rows[best]) ? name : best));
}

/**
 * @param {Record<string, object[]>} rows by predictor, of the same cursors in the same order
 * @returns {{ value: number | null, note: string }}
 */
export function judgeRatio(rows) {
  const plain = peerName('plain');
  const other = bestOf(rows, ['plain copy', plain]);
  const any = bestOf(rows, ['plain copy', ...peerForms.map(peerName)]);
  const [low, high] = ratioInterval(rows.whole, rows[other]);
  return {
    value: ratio(rows.whole, rows[other]),
    note:
      `whole ${shareOf(rows.whole)}, plain copy ${shareOf(rows['plain copy'])}, ${plain} ${shareOf(rows[plain])} of ` +
      `${rows.whole.length} cursors; 95 % of ${low.toFixed(2)} to ${high.toFixed(2)}` +
      (any === other ? '' : `; over the peer's best (${any}) ${inWords(ratio(rows.whole, rows[any]))}`),
  };
}

/**
 * The peer's best form counts: this model was not trained to heed the plain one, and a ratio to nothing would say nothing.
 * @param {Record<string, object[]>} rows
 */
export function judgeModel(rows) {
  const best = bestOf(rows, peerForms.map(peerName));
  const plain = peerName('plain');
  const value = ratio(rows.model, rows[best]);
  const sound = value !== null && Number.isFinite(value);
  const [low, high] = ratioInterval(rows.model, rows[best]);
  const overPlain = ratio(rows.model, rows[plain]);
  return {
    value: sound ? value : null,
    note:
      `model ${shareOf(rows.model)}; ${peerForms.map((form) => `${form} ${shareOf(rows[peerName(form)])}`).join(', ')}; the value is over ` +
      `the peer's best, ${best}` +
      (sound ? ` (95 % of ${low.toFixed(2)} to ${high.toFixed(2)})` : '') +
      (overPlain === null ? '' : `, over its plain prompt ${inWords(overPlain)}`),
  };
}

/**
 * Where the product has a gate by default and shows enough behind it, what it shows counts; where it shows less, or has none, the surest
 * fifth of all.
 * @param {object[]} rows of the whole product, everything shown
 * @param {number} gate the least confidence that is shown by default
 */
export function judgePrecision(rows, gate) {
  const shown = rows.filter((row) => row.said !== '' && row.confidence >= gate);
  const kept = shown.filter((row) => row.confirmed).length;
  const coverage = shown.length / rows.length;
  const atLeast20 = precisionAt(rows, leastCoverage, (row) => row.confirmed);
  const [low, high] = shown.length === 0 ? [0, 0] : interval(kept, shown.length);
  const byDefault =
    `shown by default (confidence of ${gate} and more): at ${percent(coverage)} of ${rows.length} cursors, ${kept} of ${shown.length} ` +
    `confirmed (95 %: ${percent(low)} to ${percent(high)})`;
  return coverage >= leastCoverage
    ? { value: (100 * kept) / shown.length, note: `${byDefault}; of the surest fifth ${percent(atLeast20)}` }
    : { value: 100 * atLeast20, note: `of the surest fifth, because the default shows less; ${byDefault}` };
}
