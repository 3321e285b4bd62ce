/** What stands around the cursor, as the prompt and the trimming need it. */

export interface CursorText {
  readonly before: string;
  /** From the cursor to the end of its line, without the line break. */
  readonly restOfLine: string;
  /** From the end of the cursor's line on, line break included. */
  readonly nextLines: string;
}

export function cursorText(text: string, offset: number): CursorText {
  const breakAt = /\r\n|\r|\n/g;
  breakAt.lastIndex = offset;
  const end = breakAt.exec(text)?.index ?? text.length;
  return {
    before: text.slice(0, offset),
    restOfLine: text.slice(offset, end),
    nextLines: text.slice(end),
  };
}

/** Brackets, quotes and ends of statements: what editors put behind the cursor on their own. */
const closersOnly = /^[\s)\]}>'"`;,]*$/;

export function isClosersOnly(restOfLine: string): boolean {
  return closersOnly.test(restOfLine);
}

/**
 * Whether the prompt's suffix begins at the cursor. Closing brackets and quotes that the editor typed by itself are left out:
 * they come and go with every keystroke, and a suffix that stands first in the prompt must not move, or nothing stays cached.
 */
export function suffixLength(cursor: CursorText): number {
  return (isClosersOnly(cursor.restOfLine) ? 0 : cursor.restOfLine.length) + cursor.nextLines.length;
}

/** Line breaks as the models know them. */
export function normalizeLineBreaks(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}
