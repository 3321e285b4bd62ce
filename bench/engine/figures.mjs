/** Arithmetic of measurements: medians, turns, compositions, distributions. Nothing here touches an engine. */

export function median(values) {
  if (values.length === 0) {
    throw new Error('There is no median of nothing.');
  }
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs all measurements again and again, every other round backwards, so that a disturbance of the machine meets all of them.
 * @param {number} rounds
 * @param {Record<string, () => Promise<number>>} measurements
 * @returns {Promise<Record<string, { median: number, all: number[] }>>}
 */
export async function takeTurns(rounds, measurements) {
  const names = Object.keys(measurements);
  const all = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      all[name].push(await measurements[name]());
    }
  }
  return Object.fromEntries(names.map((name) => [name, { median: median(all[name]), all: all[name] }]));
}

/**
 * What `layers` layers take, from what models of one and of three take: all layers cost the same, and what is no layer
 * (embedding, output head, the token's way to JavaScript) costs the same in every model of the width. Null when three layers
 * took no longer than one: then the machine was too disturbed to say anything.
 */
export function composeLayers(one, three, layers) {
  const layer = (three - one) / 2;
  return layer > 0 ? one + (layers - 1) * layer : null;
}

/** Natural logarithms of the probabilities of one row of logits (or of logarithms already). */
export function logSoftmax(row) {
  let top = -Infinity;
  for (const value of row) {
    top = Math.max(top, value);
  }
  let sum = 0;
  for (const value of row) {
    sum += Math.exp(value - top);
  }
  const logSum = top + Math.log(sum);
  return Float64Array.from(row, (value) => value - logSum);
}

/** Kullback-Leibler divergence in nats of rows of logarithms of probabilities: the first is the truth. */
export function divergence(truth, other) {
  let sum = 0;
  for (let i = 0; i < truth.length; i += 1) {
    const p = Math.exp(truth[i]);
    sum += p === 0 ? 0 : p * (truth[i] - other[i]);
  }
  return sum;
}

/** The best entry of a row and how far it is ahead of the second best. */
export function best(row) {
  let first = 0;
  let second = -1;
  for (let i = 1; i < row.length; i += 1) {
    if (row[i] > row[first]) {
      second = first;
      first = i;
    } else if (second < 0 || row[i] > row[second]) {
      second = i;
    }
  }
  return { id: first, margin: second < 0 ? Infinity : row[first] - row[second] };
}

/**
 * How an engine's next-token distributions compare with the truth's, position by position.
 * @param {{ truth: ArrayLike<number>, other: ArrayLike<number> }[]} rows of logits
 */
export function compareDistributions(rows, margin = 0.1) {
  let sum = 0;
  let agreed = 0;
  let clear = 0;
  let clearAgreed = 0;
  for (const { truth, other } of rows) {
    const p = logSoftmax(truth);
    const q = logSoftmax(other);
    sum += divergence(p, q);
    const wanted = best(p);
    const same = best(q).id === wanted.id;
    agreed += same ? 1 : 0;
    if (wanted.margin >= margin) {
      clear += 1;
      clearAgreed += same ? 1 : 0;
    }
  }
  return {
    positions: rows.length,
    divergence: sum / rows.length,
    top1: (100 * agreed) / rows.length,
    clear,
    clearTop1: (100 * clearAgreed) / clear,
  };
}
