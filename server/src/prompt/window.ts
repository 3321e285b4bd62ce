/**
 * Which part of a file that is larger than the model's context goes into the prompt. The window's borders lie at page borders
 * and stay put until the cursor leaves the window's middle half, so that typing leaves the cached tokens as they are.
 */

export interface TextWindow {
  /** Offset of the first character. */
  readonly start: number;
  /** Characters behind the window: counted from the end, because typing before it does not change that. */
  readonly after: number;
}

export const wholeText: TextWindow = { start: 0, after: 0 };

/** Lines. Borders at whole pages make the window, and with it the cache, the same again when the cursor comes back. */
const pageLines = 16;
/** A new window takes this share of the budget; the rest is room to type in before it must move. */
const freshShare = 7 / 8;

/** Whether `offset` would cut a surrogate pair in two. */
function splitsCharacter(text: string, offset: number): boolean {
  const unit = text.charCodeAt(offset);
  return offset > 0 && unit >= 0xdc00 && unit <= 0xdfff;
}

/** Offsets at which lines begin, `every` lines apart, within (from, to). */
function lineStarts(text: string, every: number, from: number, to: number): number[] {
  const starts: number[] = [];
  let line = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at + 1 < to; at = text.indexOf('\n', at + 1)) {
    line += 1;
    if (line % every === 0 && at + 1 > from) {
      starts.push(at + 1);
    }
  }
  return starts;
}

/**
 * The nearest good border at or behind `wanted`: of a page, of a line, of a character. One that would give up more than half of
 * what lies between there and the cursor is not good (a file with one endless line).
 */
function borderAfter(text: string, wanted: number, cursor: number): number {
  if (wanted <= 0) {
    return 0;
  }
  const limit = wanted + Math.ceil((cursor - wanted) / 2);
  const page = lineStarts(text, pageLines, wanted - 1, limit)[0] ?? lineStarts(text, 1, wanted - 1, limit)[0];
  return page ?? (splitsCharacter(text, wanted) ? wanted + 1 : wanted);
}

/** The same looking backwards. */
function borderBefore(text: string, wanted: number, cursor: number): number {
  if (wanted >= text.length) {
    return text.length;
  }
  const limit = cursor + Math.floor((wanted - cursor) / 2);
  const page =
    lineStarts(text, pageLines, limit, wanted + 1).at(-1) ?? lineStarts(text, 1, limit, wanted + 1).at(-1);
  return page ?? (splitsCharacter(text, wanted) ? wanted - 1 : wanted);
}

function stillGood(
  text: string,
  offset: number,
  budget: number,
  usesSuffix: boolean,
  window: TextWindow,
): boolean {
  const end = usesSuffix ? text.length - window.after : offset;
  const size = end - window.start;
  if (offset < window.start || offset > end || size > budget) {
    return false;
  }
  const before = offset - window.start;
  if (!usesSuffix) {
    // Everything before the cursor is the window: it may shrink to a quarter of what a fresh one would hold.
    return window.start === 0 || before >= (budget * freshShare) / 8;
  }
  const farEnough = window.start === 0 || before >= size / 4;
  return farEnough && (window.after === 0 || before <= (size * 3) / 4);
}

/**
 * The window for a cursor at `offset`, at most `budget` characters. `previous` (of the same file) is kept when it is still good.
 * Without `usesSuffix` only text before the cursor counts, and a fresh window is half full so that typing can go on.
 */
export function planWindow(
  text: string,
  offset: number,
  budget: number,
  usesSuffix: boolean,
  previous: TextWindow | undefined,
): TextWindow {
  if ((usesSuffix ? text.length : offset) <= budget) {
    return wholeText;
  }
  if (previous !== undefined && stillGood(text, offset, budget, usesSuffix, previous)) {
    return previous;
  }
  const fresh = Math.floor(budget * freshShare);
  if (!usesSuffix) {
    return { start: borderAfter(text, offset - Math.floor(fresh / 2), offset), after: 0 };
  }
  // Half before the cursor and half behind; what one side does not need goes to the other.
  const half = Math.floor(fresh / 2);
  const behind = Math.min(text.length - offset, fresh - Math.min(offset, half));
  const before = Math.min(offset, fresh - behind);
  const start = borderAfter(text, offset - before, offset);
  const end = borderBefore(text, offset + behind, offset);
  return { start, after: text.length - end };
}
