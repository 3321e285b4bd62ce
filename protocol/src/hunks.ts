/** Edits, grouped by the lines that they change: what a person looks at, and accepts or rejects, as one. */
import type { LineRange } from './edit';
import { applyEdits, rebaseEdits, type TextChange, type TextEdit, type TextEdits } from './textEdits';
import { lineAt, lineStarts, linesOf, withoutEnd } from './textLines';

export interface Hunk {
  /** Of the old text. Empty where lines are only added: they come before the line `start`. */
  readonly lines: LineRange;
  /** Without their ends. */
  readonly oldLines: readonly string[];
  readonly newLines: readonly string[];
  readonly edits: TextEdits;
  /** The first of its edits among all; they are neighbours. */
  readonly first: number;
}

/** The lines that an edit changes. An edit of whole lines leaves the line alone that it ends before. */
function linesChanged(
  text: string,
  starts: readonly number[],
  { start, end, text: added }: TextEdit,
): LineRange {
  const [first, last] = [lineAt(starts, start), lineAt(starts, end)];
  const behind = text.charCodeAt(end);
  // A CR and a LF that come together are one line end: what was a line of its own is none any more.
  const joinsBefore =
    start > 0 && text.charCodeAt(start - 1) === 13 && (added === '' ? behind === 10 : added.startsWith('\n'));
  const joinsBehind = added.endsWith('\r') && behind === 10;
  const isWhole =
    starts[first] === start &&
    starts[last] === end &&
    (added === '' || added.endsWith('\n') || added.endsWith('\r')) &&
    !joinsBefore &&
    !joinsBehind;
  return {
    start: joinsBefore && starts[first] === start ? first - 1 : first,
    end: isWhole ? last : last + 1,
  };
}

/** `reachesEnd`: of the text; then what is behind the last line end is a line, as VS Code shows one. */
function shown(text: string, reachesEnd: boolean): string[] {
  const lines = linesOf(text);
  return (reachesEnd ? lines : lines.slice(0, -1)).map((line) => withoutEnd(line));
}

/** Of edits that belong together, in one text. */
function hunkOf(
  text: string,
  starts: readonly number[],
  lines: LineRange,
  edits: TextEdits,
  first: number,
): Hunk {
  const from = starts[lines.start] ?? text.length;
  const to = starts[lines.end] ?? text.length;
  const reachesEnd = lines.end >= starts.length;
  const old = text.slice(from, to);
  const moved = edits.map((edit) => ({ ...edit, start: edit.start - from, end: edit.end - from }));
  return {
    lines,
    oldLines: shown(old, reachesEnd),
    newLines: shown(applyEdits(old, moved), reachesEnd),
    edits,
    first,
  };
}

/**
 * Edits of lines that follow one another are one hunk, so that at least one unchanged line lies between two: applied in any order, each
 * carried over those before it by rebaseEdits, any of them give what they give together. In order. Throws as applyEdits does.
 */
export function hunksOf(text: string, edits: TextEdits): readonly Hunk[] {
  const starts = lineStarts(text);
  const groups: { lines: LineRange; edits: TextEdit[]; first: number }[] = [];
  for (const [index, edit] of edits.entries()) {
    const lines = linesChanged(text, starts, edit);
    const group = groups.at(-1);
    if (group !== undefined && lines.start <= group.lines.end) {
      group.lines = { start: group.lines.start, end: Math.max(group.lines.end, lines.end) };
      group.edits.push(edit);
    } else {
      groups.push({ lines, edits: [edit], first: index });
    }
  }
  return groups.map((group) => hunkOf(text, starts, group.lines, group.edits, group.first));
}

/**
 * Hunks, carried over a change: `text` is what it has become. By index; undefined = in conflict, for a hunk is applied whole or not at all. The lines
 * are those of the changed text. A change may have joined the lines of two hunks: each is still right on its own.
 */
export function rebaseHunks(
  text: string,
  hunks: readonly (Hunk | undefined)[],
  change: TextChange,
): readonly (Hunk | undefined)[] {
  const starts = lineStarts(text);
  return hunks.map((hunk) => {
    const { good, conflicts } = rebaseEdits(hunk?.edits ?? [], change);
    if (hunk === undefined || conflicts.length > 0) {
      return undefined;
    }
    const edits = good.map(({ edit }) => edit);
    const ranges = edits.map((edit) => linesChanged(text, starts, edit));
    const start = Math.min(...ranges.map((range) => range.start));
    const end = Math.max(...ranges.map((range) => range.end));
    return hunkOf(text, starts, { start, end }, edits, hunk.first);
  });
}
