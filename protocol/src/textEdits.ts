/**
 * Changes of a text, as both sides count them: UTF-16 units of the text that they were made for. Pure. The model's side makes them, the editor's
 * side carries them over what the user types meanwhile; both must agree, so they have one home.
 */

/** The text from `start` to `end` (not included) becomes `text`. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Ascending and apart: each begins at or behind the end of the one before. Two insertions at one place keep their order. */
export type TextEdits = readonly TextEdit[];

/** What is wrong with edits of a text of that length, a sentence; '' = nothing is. */
export function checkEdits(length: number, edits: TextEdits): string {
  let last = 0;
  for (const [index, { start, end }] of edits.entries()) {
    const named = `Edit ${String(index)} (${String(start)} to ${String(end)})`;
    if (!Number.isInteger(start) || !Number.isInteger(end)) {
      return `${named} has an offset that is no whole number.`;
    }
    if (start < 0 || end > length) {
      return `${named} lies outside the text of ${String(length)} units.`;
    }
    if (end < start) {
      return `${named} ends before it begins.`;
    }
    if (start < last) {
      return `${named} begins before the end of the one before it, ${String(last)}.`;
    }
    last = end;
  }
  return '';
}

function assertEdits(text: string, edits: TextEdits): void {
  const problem = checkEdits(text.length, edits);
  if (problem !== '') {
    throw new RangeError(problem);
  }
}

/** Throws a RangeError, with what checkEdits says, where the edits are none of this text. */
export function applyEdits(text: string, edits: TextEdits): string {
  assertEdits(text, edits);
  const pieces: string[] = [];
  let last = 0;
  for (const { start, end, text: piece } of edits) {
    pieces.push(text.slice(last, start), piece);
    last = end;
  }
  pieces.push(text.slice(last));
  return pieces.join('');
}

/** The edits that make `text` again of what applyEdits made of it. Throws as it does. */
export function inverseEdits(text: string, edits: TextEdits): TextEdits {
  assertEdits(text, edits);
  let shift = 0;
  return edits.map(({ start, end, text: piece }) => {
    const at = start + shift;
    shift += piece.length - (end - start);
    return { start: at, end: at + piece.length, text: text.slice(start, end) };
  });
}

/** An edit that has been carried over a change. */
export interface MovedEdit {
  /** Which of the edits it was. */
  readonly index: number;
  /** In the changed text. */
  readonly edit: TextEdit;
}

/** An edit that cannot be carried over a change, because the change is where it is. */
export interface EditConflict {
  /** Which of the edits it was. */
  readonly index: number;
  /** In the changed text: what is left of its region, with what was written in and beside it. For showing; there is nothing to apply. */
  readonly start: number;
  readonly end: number;
}

export interface RebasedEdits {
  /** In order. */
  readonly good: readonly MovedEdit[];
  readonly conflicts: readonly EditConflict[];
}

/** One change, or all that happened at once, each given against the text before any of them, in any order. They do not overlap. */
export type TextChange = TextEdit | TextEdits;

/** Ascending, without those that do nothing. Throws a RangeError where they overlap: then they were not simultaneous. */
export function simultaneous(change: TextChange): TextEdits {
  const changes = ('start' in change ? [change] : [...change])
    .filter(({ start, end, text }) => start !== end || text !== '')
    .sort((a, b) => a.start - b.start || a.end - b.end);
  const problem = checkEdits(Number.POSITIVE_INFINITY, changes);
  if (problem !== '') {
    throw new RangeError(problem);
  }
  return changes;
}

/**
 * Carries edits that are not applied yet over what happened to their text meanwhile. One that lies wholly before or behind every change is moved.
 * One that a change overlaps *or touches* is in conflict: at least one unchanged unit must lie between them. That is stricter than counting asks:
 *
 * - Two insertions at one place: nothing says which comes first.
 * - An insertion at the border of a replaced region: counting would put it outside the region, but whoever types at the end of a word
 *   goes on with that word, and it is being replaced.
 * - Two regions side by side: each was decided by somebody who saw the other's old text.
 *
 * The rule is the same whoever came first, and does not depend on how an editor cuts typing into changes. Edits are not weighed against each other:
 * what must stay together (a hunk) is in conflict where any of its edits is.
 */
export function rebaseEdits(edits: TextEdits, change: TextChange): RebasedEdits {
  const changes = simultaneous(change);
  const good: MovedEdit[] = [];
  const conflicts: EditConflict[] = [];
  let next = 0; // the first change that does not end before the edit
  let shift = 0; // of all that do
  for (const [index, { start, end, text }] of edits.entries()) {
    for (let passed = changes[next]; passed !== undefined && passed.end < start; passed = changes[next]) {
      shift += passed.text.length - (passed.end - passed.start);
      next += 1;
    }
    let touching = next;
    let grown = 0;
    let from = start;
    let to = end;
    for (
      let other = changes[touching];
      other !== undefined && other.start <= end;
      other = changes[(touching += 1)]
    ) {
      grown += other.text.length - (other.end - other.start);
      from = Math.min(from, other.start);
      to = Math.max(to, other.end);
    }
    if (touching === next) {
      good.push({ index, edit: { start: start + shift, end: end + shift, text } });
    } else {
      conflicts.push({ index, start: from + shift, end: to + shift + grown });
    }
  }
  return { good, conflicts };
}

/** Those that are good, alone: edits of the changed text. */
export function goodEdits({ good }: RebasedEdits): TextEdits {
  return good.map(({ edit }) => edit);
}
