#!/usr/bin/env node
/**
 * Writes cursors with what is proposed at each, a line of JSON a cursor: what the pipeline's weights and gates are fitted to.
 *
 *   node bench/completion/quality/dump.mjs [--split calibrate|test|all] [--count N] [--product] FILE
 *
 * --count is how many of each kind (200 when absent); --product also asks the product, which takes a second or so a cursor. Fit on
 * "calibrate" alone. A line has
 *   id, split, kind, source, language, path    where
 *   file, offset, lineEnd                      the whole text, and what of it is taken away: the file between the two (UTF-16 units)
 *   before, after                              the last 2,000 and the next 1,000 characters around the cursor, as they are then
 *   expected                                   the rest of the line that was taken away, without white space at its end
 *   proposals                                  by predictor: all that it says (`text` '' = nothing), `confidence`, and whether it is
 *                                              `exact`, or `confirmed` by what stood there
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../../../scripts/setup.mjs';
import { plainCopy } from './copy.mjs';
import { cutsOf } from './cutSets.mjs';
import { confirmed, exact } from './metrics.mjs';
import { openProduct, paths } from './product.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    split: { type: 'string', default: 'calibrate' },
    count: { type: 'string', default: '200' },
    product: { type: 'boolean', default: false },
  },
});

const judged = (proposal, cut) => ({
  ...proposal,
  exact: exact(proposal.text, cut.expected),
  confirmed: confirmed(proposal.text, cut.follows),
});

async function proposalsAt(cut, product) {
  const proposals = { plain: judged(plainCopy(cut.text, cut.offset), cut) };
  for (const path of product === undefined ? [] : paths) {
    proposals[path] = judged(await product.complete(cut, path), cut);
  }
  return proposals;
}

async function dump(path) {
  const splits = values.split === 'all' ? ['calibrate', 'test'] : [values.split];
  const product = values.product ? await openProduct() : undefined;
  const out = openSync(path, 'w');
  try {
    for (const split of splits) {
      const { cuts, missing } = cutsOf(split, Number(values.count));
      for (const text of missing) {
        console.error(text);
      }
      for (const cut of cuts) {
        const { text, file, ...rest } = cut;
        delete rest.follows;
        const line = {
          ...rest,
          file: relative(root, file),
          before: text.slice(Math.max(0, cut.offset - 2000), cut.offset),
          after: text.slice(cut.offset, cut.offset + 1000),
          proposals: await proposalsAt(cut, product),
        };
        writeSync(out, `${JSON.stringify(line)}\n`);
      }
      console.error(`${split}: ${cuts.length} cursors`);
    }
  } finally {
    closeSync(out);
    await product?.close();
  }
}

try {
  if (positionals.length !== 1) {
    throw new Error('Say into which file.');
  }
  await dump(positionals[0]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
