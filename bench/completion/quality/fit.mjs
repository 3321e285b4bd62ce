#!/usr/bin/env node
/**
 * Fits the weights of the confidence (server/src/completion/proposals/weights.ts) to cursors of the calibration split: two logistic
 * regressions over the features that the completer reports of each proposal, with a little L2, by Newton's method.
 *
 *   node bench/completion/quality/dump.mjs --split calibrate --count 800 --product cuts.jsonl
 *   node bench/completion/quality/fit.mjs cuts.jsonl
 *
 * Which copies the model is asked about depends on the weights for copies, so after a change of the features do both twice.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { root } from '../../../scripts/setup.mjs';
import { exact } from './metrics.mjs';

const file = process.argv[2];
if (file === undefined) {
  console.error('Say which file dump.mjs has written.');
  process.exit(1);
}
const cuts = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line));
if (cuts.some(({ split }) => split !== 'calibrate')) {
  console.error(
    'The file has cursors of the test split: weights that have seen them could not be judged by them.',
  );
  process.exit(1);
}

/** How much a weight of one, for a feature that varies by one, counts against the likelihood of a single proposal. */
const shrinkage = 1;

/** Every proposal with what came of it. */
function examples(path) {
  return cuts.flatMap(({ expected, proposals }) =>
    (proposals[path].proposals ?? []).map(({ text, features }) => ({
      features: { bias: 1, ...features },
      right: exact(text, expected) ? 1 : 0,
    })),
  );
}

function solve(matrix, vector) {
  const size = vector.length;
  const rows = matrix.map((row, i) => [...row, vector[i]]);
  for (let i = 0; i < size; i += 1) {
    let pivot = i;
    for (let k = i + 1; k < size; k += 1) {
      if (Math.abs(rows[k][i]) > Math.abs(rows[pivot][i])) {
        pivot = k;
      }
    }
    [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
    for (let k = i + 1; k < size; k += 1) {
      const factor = rows[k][i] / rows[i][i];
      for (let j = i; j <= size; j += 1) {
        rows[k][j] -= factor * rows[i][j];
      }
    }
  }
  const solution = new Array(size).fill(0);
  for (let i = size - 1; i >= 0; i -= 1) {
    let rest = rows[i][size];
    for (let j = i + 1; j < size; j += 1) {
      rest -= rows[i][j] * solution[j];
    }
    solution[i] = rest / rows[i][i];
  }
  return solution;
}

/** Iteratively reweighted least squares. */
function fit(data) {
  const names = [...new Set(data.flatMap(({ features }) => Object.keys(features)))].sort();
  const mean = names.map((name) =>
    name === 'bias' ? 0 : data.reduce((sum, { features }) => sum + (features[name] ?? 0), 0) / data.length,
  );
  const spread = names.map((name, i) => {
    const squares = data.reduce((sum, { features }) => sum + ((features[name] ?? 0) - mean[i]) ** 2, 0);
    return name === 'bias' ? 1 : Math.sqrt(squares / data.length) || 1;
  });
  const rows = data.map(({ features }) =>
    names.map((name, i) => ((features[name] ?? 0) - mean[i]) / spread[i]),
  );
  let weights = names.map(() => 0);
  for (let round = 0; round < 40; round += 1) {
    const gradient = weights.map((weight) => -shrinkage * weight);
    const hessian = names.map((_, i) => names.map((__, j) => (i === j ? shrinkage : 0)));
    rows.forEach((row, at) => {
      const chance = 1 / (1 + Math.exp(-row.reduce((sum, value, i) => sum + value * weights[i], 0)));
      const weight = chance * (1 - chance);
      for (let i = 0; i < names.length; i += 1) {
        gradient[i] += row[i] * (data[at].right - chance);
        for (let j = 0; j < names.length; j += 1) {
          hessian[i][j] += weight * row[i] * row[j];
        }
      }
    });
    const step = solve(hessian, gradient);
    weights = weights.map((weight, i) => weight + step[i]);
  }
  const result = Object.fromEntries(names.map((name, i) => [name, weights[i] / spread[i]]));
  result.bias -= names.reduce((sum, _, i) => sum + (weights[i] / spread[i]) * mean[i], 0);
  return Object.fromEntries(Object.entries(result).map(([name, value]) => [name, Number(value.toFixed(4))]));
}

const literal = (weights) => JSON.stringify(weights);
const copy = examples('copy');
const whole = examples('whole');
const path = join(root, 'server', 'src', 'completion', 'proposals', 'weights.ts');
const source = `/**
 * Weights of the confidence, by feature. Made by bench/completion/quality/fit.mjs of ${copy.length} copies and ${whole.length} proposals at ${cuts.length} cursors
 * of the calibration split, and of no others.
 */
export type Weights = Readonly<Record<string, number>>;

/** For copies of which no model has said anything. */
export const copyWeights: Weights = ${literal(fit(copy))};

/** For all proposals, where the embedded model has written one and judged the others. */
export const embeddedWeights: Weights = ${literal(fit(whole))};
`;
writeFileSync(path, await format(source, { ...(await resolveConfig(path)), parser: 'typescript' }));
console.log(`${path}: ${copy.length} copies, ${whole.length} proposals, ${cuts.length} cursors`);
