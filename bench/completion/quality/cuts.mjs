/**
 * Cursors, put into files by chance that is the same every time. At each the rest of the line is taken away, and what ought to be
 * suggested is what stood there.
 *
 *   rest   anywhere in a line, in the middle of words as well; from the first character behind the indentation on, at least three
 *          characters before the line's end
 *   next   behind a line's indentation: the line before is finished, and the editor has indented this one
 */
import { createHash } from 'node:crypto';

export const kinds = ['rest', 'next'];

/** Characters behind the indentation that a line has at least, by kind: closing brackets alone would tell nothing. */
const shortest = { rest: 8, next: 3 };
/** Lines before it. At a file's head there is nothing to go by. */
const headLines = 3;

/** Numbers in [0, 1) that depend on `seed` and on nothing else: mulberry32, begun at the seed's hash. */
export function random(seed) {
  let state = Math.floor(hashed(seed) * 2 ** 32);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function hashed(text) {
  return createHash('sha256').update(text).digest().readUInt32LE(0) / 2 ** 32;
}

function isComment(body, language) {
  return language === 'python' ? body.startsWith('#') : /^(\/\/|\/?\*)/.test(body);
}

/** Lines into which a cursor may be put: where they begin, and what they say. */
function eligible({ text, language }, kind) {
  let start = 0;
  return text.split('\n').flatMap((line, i) => {
    const at = start;
    start += line.length + 1;
    const body = line.trim();
    const taken = i >= headLines && body.length >= shortest[kind] && !isComment(body, language);
    const indent = line.length - line.trimStart().length;
    return taken ? [{ line, number: i + 1, at, indent, end: line.trimEnd().length }] : [];
  });
}

function cutOf(file, kind, { line, number, at, indent, end }, chance) {
  const column = kind === 'next' ? indent : indent + Math.floor(chance * (end - indent - 2));
  const offset = at + column;
  const lineEnd = at + line.length;
  return {
    ...{ kind, source: file.source, language: file.language, path: file.path, file: file.file },
    ...{ offset, lineEnd, line: number },
    text: file.text.slice(0, offset) + file.text.slice(lineEnd),
    expected: line.slice(column, end),
    /** All that stood behind the cursor. */
    follows: file.text.slice(offset),
  };
}

/**
 * Every line is as likely as every other one, because every line has to be typed. Whether a line is taken depends on its file's path,
 * its number and what it says: a change of one file changes little about the others.
 * @param {ReturnType<typeof import('./sources.mjs').filesOf>} files
 * @param {'rest' | 'next'} kind
 * @param {number} count fewer come back where there are fewer lines
 */
export function makeCuts(files, kind, count, seed = 'niwaki') {
  return files
    .flatMap((file) =>
      eligible(file, kind).map((line) => {
        const name = `${seed} ${kind} ${file.path} ${line.number} ${line.line}`;
        return { file, line, name, order: hashed(name) };
      }),
    )
    .sort((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ file, line, name }) => cutOf(file, kind, line, hashed(`${name} column`)));
}
