#!/usr/bin/env node
/**
 * Writes nano-logits.txt from nano-reference.json: the same vectors in lines of plain text, for tests in C++, which have no JSON
 * parser. With --check nothing is written and the exit code says whether the file is up to date.
 *
 *   node test/golden/make-logits.mjs [--check]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const reference = JSON.parse(readFileSync(join(folder, 'nano-reference.json'), 'utf8'));

/** One line: backslashes and line breaks are escaped, everything else stays as it is. */
const escape = (text) =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');

const lines = [
  '# Made by make-logits.mjs from nano-reference.json; do not edit. One "key value" a line, numbers separated by spaces.',
  ...reference.prompts.flatMap((prompt) => [
    `prompt ${prompt.name}`,
    `text ${escape(prompt.text)}`,
    `ids ${prompt.ids.join(' ')}`,
    `top20_ids ${prompt.top20_ids.join(' ')}`,
    `top20_logits ${prompt.top20_logits.join(' ')}`,
    `greedy_ids ${prompt.greedy_ids.join(' ')}`,
    `greedy_margins ${prompt.greedy_margins.join(' ')}`,
    `greedy_text ${escape(prompt.greedy_text)}`,
  ]),
];
const wanted = `${lines.join('\n')}\n`;
const path = join(folder, 'nano-logits.txt');

if (process.argv.includes('--check')) {
  if (readFileSync(path, 'utf8') !== wanted) {
    console.error('test/golden/nano-logits.txt is out of date: run "node test/golden/make-logits.mjs".');
    process.exitCode = 1;
  }
} else {
  writeFileSync(path, wanted);
}
