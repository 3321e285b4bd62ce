/** Scripted recordings: what a person does who writes a file, who changes one, who fills in what is missing in a long one. */
import { hunks } from './hunks.mjs';
import { Random } from './random.mjs';
import { Typist } from './typist.mjs';

const languages = {
  ts: 'typescript',
  mjs: 'javascript',
  cjs: 'javascript',
  cc: 'cpp',
  h: 'cpp',
  py: 'python',
};

export function languageOf(path) {
  return languages[path.slice(path.lastIndexOf('.') + 1)] ?? 'plaintext';
}

/** Changes the file that is shown into `after`, a hunk after the other; sometimes the later ones first. */
function change(typist, random, after, enough) {
  let pieces = hunks(typist.text, after);
  if (random.chance(0.3)) {
    pieces = pieces.reverse();
  }
  const done = [];
  for (const piece of pieces) {
    if (enough()) {
      return;
    }
    if (random.chance(0.25)) {
      typist.rest(random.logNormal(15_000, 0.6)); // reads, runs something, drinks
    }
    const moved = done
      .filter(({ at }) => at < piece.at)
      .reduce((sum, { removed, added }) => sum + added.length - removed.length, 0);
    typist.goTo(piece.at + moved + piece.removed.length);
    typist.erase(piece.removed.length);
    // Between functions one may stop.
    for (const part of piece.added.split(/(?<=\n\n)(?=\S)/)) {
      if (enough()) {
        return;
      }
      typist.type(part);
    }
    done.push(piece);
  }
  if (typist.text !== after) {
    throw new Error('The script did not lead to the text that it was made from.');
  }
}

/**
 * A sitting after the other, each of some files: { path, before, after }, `before` empty = a new file, written from top to bottom.
 * Ends with the place at which `keys` keystrokes or `seconds` are reached, or with the last sitting.
 */
export function editSittings(sittings, { keys = Infinity, seconds = Infinity, seed, title, source }) {
  const typist = new Typist(seed);
  const random = new Random(seed + 1);
  const enough = () => typist.keys >= keys || typist.now >= 1000 * seconds;
  for (const { name, files } of sittings) {
    if (enough()) {
      break;
    }
    for (const { path, before } of files) {
      typist.openFile(`${name}/${path}`, languageOf(path), before);
    }
    for (const { path, after } of files) {
      typist.show(`${name}/${path}`);
      change(typist, random, after, enough);
    }
    for (const { path } of files) {
      typist.close(`${name}/${path}`);
    }
  }
  return { title, source, events: typist.events };
}

/** Blocks between empty lines, of 4 to 16 lines and some text, with their offsets. */
function blocksOf(text) {
  const found = [];
  let at = 0;
  for (const block of text.split(/(?<=\n)\n+(?=\S)/)) {
    const begin = text.indexOf(block, at);
    at = begin + block.length;
    const lines = block.split('\n').length - 1;
    if (lines >= 4 && lines <= 16 && block.length < 900) {
      found.push({ begin, end: begin + block.length });
    }
  }
  return found;
}

/**
 * One file, from which blocks have been taken out; they are typed in again, each at its place, in no order: every one is a jump to
 * another function. A file in which nothing can be filled in is refused.
 */
export function fillIn(path, text, { keys, seed, title, source }) {
  const random = new Random(seed + 1);
  const blocks = blocksOf(text);
  const chosen = [];
  for (let wanted = keys; wanted > 0 && blocks.length > 0;) {
    const [block] = blocks.splice(random.below(blocks.length), 1);
    chosen.push(block);
    wanted -= block.end - block.begin;
  }
  if (chosen.length === 0) {
    throw new Error(`There is nothing to fill in in ${path}.`);
  }
  const inOrder = [...chosen].sort((a, b) => a.begin - b.begin);
  let holed = '';
  let from = 0;
  for (const { begin, end } of inOrder) {
    holed += text.slice(from, begin);
    from = end;
  }
  holed += text.slice(from);
  const typist = new Typist(seed);
  typist.openFile(path, languageOf(path), holed);
  const back = new Set();
  for (const block of chosen) {
    const missing = inOrder
      .filter((other) => other.begin < block.begin && !back.has(other))
      .reduce((sum, { begin, end }) => sum + end - begin, 0);
    typist.goTo(block.begin - missing);
    typist.type(text.slice(block.begin, block.end).replace(/\n$/, ''));
    const rest = text.slice(block.begin, block.end).endsWith('\n') ? '\n' : '';
    typist.type(rest);
    back.add(block);
  }
  return { title, source, events: typist.events };
}
