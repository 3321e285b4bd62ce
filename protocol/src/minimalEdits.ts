/**
 * The few, small edits that make one text of another, so that cursors, marks and what the user types elsewhere stay where they are: by lines first,
 * then to the words that differ in them.
 */
import { diffArrays } from 'diff';
import type { TextEdit, TextEdits } from './textEdits';
import { isAmid, linesOf, withoutEnd } from './textLines';

/** Lines removed and added, together, up to which lines are compared; more took long, and would say little. */
const mostChangedLines = 1000;
/** UTF-16 units. A longer run of letters and digits is data, not a word. */
const longestWord = 64;
/** Of the longer one of two lines: so much must be the same at its ends for it to be the same line, changed. */
const leastAlike = 0.5;

const isWordUnit = (text: string, at: number): boolean => /^[\p{L}\p{N}_$]$/u.test(text.charAt(at));

/** Units that are the same at the beginning and at the end; both together at most the shorter text. */
function sameEnds(before: string, after: string): { readonly head: number; readonly tail: number } {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before.charCodeAt(head) === after.charCodeAt(head)) {
    head += 1;
  }
  let tail = 0;
  while (
    tail < shorter - head &&
    before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
  ) {
    tail += 1;
  }
  return { head, tail };
}

/** How far a cut is from the nearest place, in the direction of `step`, where it is in no word of either text; 0 where that is too far to be a word. */
function toWordEnd(before: string, at: number, after: string, there: number, step: -1 | 1): number {
  const isInWord = (text: string, offset: number): boolean =>
    isWordUnit(text, offset - 1) && isWordUnit(text, offset);
  for (let moved = 0; moved <= longestWord; moved += 1) {
    const by = moved * step;
    if (!isInWord(before, at + by) && !isInWord(after, there + by)) {
      return moved;
    }
  }
  return 0;
}

/** The one edit that makes `after` of `before`: no word, pair of surrogates or CR LF is cut. Offsets count from `base`; undefined = they are the same. */
function narrowed(before: string, after: string, base: number): TextEdit | undefined {
  if (before === after) {
    return undefined;
  }
  const same = sameEnds(before, after);
  let { head, tail } = same;
  head -= Math.min(head, toWordEnd(before, head, after, head, -1));
  tail -= Math.min(tail, toWordEnd(before, before.length - tail, after, after.length - tail, 1));
  // At the cut, what follows differs: it may be amid a pair of one of them alone.
  if (isAmid(before, head) || isAmid(after, head)) {
    head -= 1;
  }
  if (isAmid(before, before.length - tail) || isAmid(after, after.length - tail)) {
    tail -= 1;
  }
  return {
    start: base + head,
    end: base + before.length - tail,
    text: after.slice(head, after.length - tail),
  };
}

function areAlike(before: string, after: string): boolean {
  const [one, other] = [withoutEnd(before).trim(), withoutEnd(after).trim()];
  const { head, tail } = sameEnds(one, other);
  return head + tail >= leastAlike * Math.max(one.length, other.length);
}

/** The edits for lines that take the place of others. Line by line where each is the same line, changed; otherwise one. */
function ofLines(before: readonly string[], after: readonly string[], base: number): TextEdit[] {
  const paired =
    before.length === after.length && before.every((line, index) => areAlike(line, after[index] ?? ''));
  const pairs: (readonly [string, string])[] = paired
    ? before.map((line, index) => [line, after[index] ?? ''])
    : [[before.join(''), after.join('')]];
  const edits: TextEdit[] = [];
  let at = base;
  for (const [line, other] of pairs) {
    // What is only added or removed stays whole lines.
    const edit =
      before.length === 0 || after.length === 0
        ? { start: at, end: at + line.length, text: other }
        : narrowed(line, other, at);
    if (edit !== undefined) {
      edits.push(edit);
    }
    at += line.length;
  }
  return edits;
}

/** Lines that are the same at the beginning and at the end. */
function sameLines(before: readonly string[], after: readonly string[]): readonly [number, number] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) {
    head += 1;
  }
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) {
    tail += 1;
  }
  return [head, tail];
}

/**
 * Edits that make `after` of `before`; [] where they are the same. No edit begins or ends amid a pair of surrogates or CR LF, of either text. Texts
 * that differ in more than a thousand lines get one edit for all that lies between their first and last difference: it takes milliseconds for
 * 20,000 lines, whatever is in them.
 */
export function minimalEdits(before: string, after: string): TextEdits {
  if (before === after) {
    return [];
  }
  // What is not a line (behind the last line end, nothing) is no token: otherwise a final line end would look like a line more.
  const [old, young] = [before, after].map((text) => linesOf(text).filter((line) => line !== '')) as [
    string[],
    string[],
  ];
  const [head, tail] = sameLines(old, young);
  let base = old.slice(0, head).reduce((length, line) => length + line.length, 0);
  const [from, to] = [old.slice(head, old.length - tail), young.slice(head, young.length - tail)];
  // What only grew or shrank in one place needs no search.
  const parts =
    from.length === 0 || to.length === 0
      ? undefined
      : diffArrays(from, to, { maxEditLength: mostChangedLines });
  if (parts === undefined) {
    return ofLines(from, to, base);
  }
  const edits: TextEdit[] = [];
  for (let i = 0; i < parts.length; i += 1) {
    let removed: readonly string[] = [];
    let added: readonly string[] = [];
    for (let part = parts[i]; part !== undefined && (part.added || part.removed); part = parts[(i += 1)]) {
      removed = part.removed ? [...removed, ...part.value] : removed;
      added = part.added ? [...added, ...part.value] : added;
    }
    edits.push(...(removed.length + added.length > 0 ? ofLines(removed, added, base) : []));
    base += [...removed, ...(parts[i]?.value ?? [])].reduce((length, line) => length + line.length, 0);
  }
  return edits;
}
