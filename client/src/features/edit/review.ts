/**
 * A change that is looked at: the text as it is now, and the parts of the change that nobody has decided on yet, carried over whatever happens to the
 * text meanwhile. And how it is shown: the whole text, each part's new lines behind the old ones. Pure.
 */
import type { LineRange } from '#protocol';
import { hunksOf, rebaseHunks, type Hunk } from '#protocol/hunks';
import { minimalEdits } from '#protocol/minimalEdits';
import { rebaseEdits, type TextChange, type TextEdit, type TextEdits } from '#protocol/textEdits';
import { lineAt, linesOf, lineStarts, withoutEnd } from '#protocol/textLines';

/** One that can be accepted. */
export interface OpenPart {
  readonly kind: 'open';
  readonly id: number;
  readonly hunk: Hunk;
}

/** One whose place was changed meanwhile: it fits nowhere any more. */
export interface LostPart {
  readonly kind: 'lost';
  readonly id: number;
  /** Where it was, an offset in the text. */
  readonly at: number;
  readonly newLines: readonly string[];
}

export type Part = OpenPart | LostPart;

export interface Review {
  readonly text: string;
  /** In their order. */
  readonly parts: readonly Part[];
}

export type LineKind = 'same' | 'removed' | 'added' | 'lost';

export interface ShownLine {
  readonly kind: LineKind;
  /** Of the text: this line, or the next that is in it. */
  readonly line: number;
  /** Of which part; -1 = of none. */
  readonly part: number;
}

export interface Shown {
  readonly text: string;
  readonly lines: readonly ShownLine[];
}

/** Throws a RangeError where the edits are none of this text. */
export function startReview(text: string, edits: TextEdits): Review {
  return { text, parts: hunksOf(text, edits).map((hunk, id) => ({ kind: 'open', id, hunk })) };
}

/** Where an offset is after a change. */
export function carriedOffset(offset: number, change: TextChange): number {
  const { good, conflicts } = rebaseEdits([{ start: offset, end: offset, text: '' }], change);
  return good[0]?.edit.start ?? conflicts[0]?.start ?? offset;
}

/** Where a region is after a change: what is left of it, with what was written in it. */
export function carriedRegion(
  start: number,
  end: number,
  change: TextChange,
): { start: number; end: number } {
  const { good, conflicts } = rebaseEdits([{ start, end, text: '' }], change);
  const found = good[0]?.edit ?? conflicts[0];
  return { start: found?.start ?? start, end: found?.end ?? end };
}

/** The lines of a text that a region is in; at least one. */
export function regionLines(
  text: string,
  { start, end }: { readonly start: number; readonly end: number },
): LineRange {
  const starts = lineStarts(text);
  const first = lineAt(starts, start);
  const last = lineAt(starts, end);
  return { start: first, end: Math.max(first + 1, starts[last] === end && end > start ? last : last + 1) };
}

/** Lines of `before`, as lines of what it has become. */
export function carriedLines(before: string, after: string, lines: LineRange): LineRange {
  if (before === after) {
    return lines;
  }
  const starts = lineStarts(before);
  const [start, end] = [starts[lines.start] ?? before.length, starts[lines.end] ?? before.length];
  return regionLines(after, carriedRegion(start, end, minimalEdits(before, after)));
}

/** Of a part that is open, the lines are as before. */
function carriedPart(part: Part, change: TextChange): Part {
  if (part.kind === 'lost') {
    return { ...part, at: carriedOffset(part.at, change) };
  }
  const { good, conflicts } = rebaseEdits(part.hunk.edits, change);
  if (conflicts.length === 0) {
    return { ...part, hunk: { ...part.hunk, edits: good.map(({ edit }) => edit) } };
  }
  const at = conflicts[0]?.start ?? good[0]?.edit.start ?? 0;
  return { kind: 'lost', id: part.id, at, newLines: part.hunk.newLines };
}

/**
 * `changes`: one after another, each against the text that the one before has made; several of one event are one. `text`: what all of them have made
 * of the review's text.
 */
export function carried(review: Review, text: string, ...changes: readonly TextChange[]): Review {
  const moved = review.parts.map((part) => changes.reduce(carriedPart, part));
  // The lines, which take a look at the whole text, once for all of them.
  const hunks = rebaseHunks(
    text,
    moved.map((part) => (part.kind === 'open' ? part.hunk : undefined)),
    [],
  );
  const parts = moved.map((part, index): Part => {
    const hunk = hunks[index];
    return part.kind === 'open' && hunk !== undefined ? { ...part, hunk } : part;
  });
  return { text, parts };
}

export function without(review: Review, ids: readonly number[]): Review {
  return { ...review, parts: review.parts.filter(({ id }) => !ids.includes(id)) };
}

export function openParts(review: Review): readonly OpenPart[] {
  return review.parts.filter((part) => part.kind === 'open');
}

/** What the named parts do to the text, as edits of it. */
export function editsOf(review: Review, ids: readonly number[]): TextEdits {
  return openParts(review)
    .filter(({ id }) => ids.includes(id))
    .flatMap(({ hunk }): readonly TextEdit[] => hunk.edits);
}

/** Where a part begins among the text's lines. */
function firstLineOf(part: Part, starts: readonly number[]): number {
  return part.kind === 'open' ? part.hunk.lines.start : lineAt(starts, part.at);
}

/** Every line of the text, and of the parts those that would come. */
export function shownOf(review: Review): Shown {
  const starts = lineStarts(review.text);
  const old = linesOf(review.text).map(withoutEnd);
  const texts: string[] = [];
  const lines: ShownLine[] = [];
  let next = 0;
  const takeTo = (end: number, kind: LineKind, part: number): void => {
    for (; next < Math.min(end, old.length); next += 1) {
      texts.push(old[next] ?? '');
      lines.push({ kind, line: next, part });
    }
  };
  const ordered = [...review.parts].sort((a, b) => firstLineOf(a, starts) - firstLineOf(b, starts));
  for (const part of ordered) {
    takeTo(firstLineOf(part, starts), 'same', -1);
    if (part.kind === 'open') {
      takeTo(part.hunk.lines.end, 'removed', part.id);
    }
    const added = part.kind === 'open' ? part.hunk.newLines : part.newLines;
    for (const line of added) {
      texts.push(line);
      lines.push({ kind: part.kind === 'open' ? 'added' : 'lost', line: next, part: part.id });
    }
  }
  takeTo(old.length, 'same', -1);
  return { text: texts.join('\n'), lines };
}

/** The shown line at which a line of the text is, or would be. */
export function shownLineOf({ lines }: Shown, line: number): number {
  const found = lines.findIndex((one) => one.line >= line && (one.kind === 'same' || one.kind === 'removed'));
  return found < 0 ? Math.max(0, lines.length - 1) : found;
}

/** Shown lines of a part: its first, and behind its last; undefined = it shows none (what it does leaves no line changed). */
export function shownLinesOf({ lines }: Shown, part: number): { start: number; end: number } | undefined {
  const start = lines.findIndex((one) => one.part === part);
  if (start < 0) {
    return undefined;
  }
  let end = start;
  while (lines[end]?.part === part) {
    end += 1;
  }
  return { start, end };
}
