/** Which brackets are open at the cursor, and which close behind it. */
import type { Lexis } from './languages';
import { scan, type LexState } from './lexer';

/** A bracket that is open at the cursor. */
export interface OpenBracket {
  readonly char: string;
  /** Its offset in the document. */
  readonly at: number;
  /** Columns before the first character of its line. */
  readonly indent: number;
}

/** A bracket behind the cursor that closes nothing behind the cursor. */
export interface CloseBracket {
  readonly char: string;
  /** Characters from the cursor. */
  readonly at: number;
  /** Columns before it where it is the first in its line; -1 = it is not. */
  readonly indent: number;
}

export interface Surroundings {
  /** Innermost first. */
  readonly open: readonly OpenBracket[];
  /** In the order of the text. */
  readonly close: readonly CloseBracket[];
  /** Whether `close` holds all that there are: the text behind the cursor was read to its end. */
  readonly complete: boolean;
  readonly state: LexState;
  readonly atCursor: LastCode;
  /** The same before the cursor's line. */
  readonly beforeLine: LastCode;
}

/** Offsets in the document; -1 = there is none (in what was read). */
export interface LastCode {
  /** Of the last character that is neither white space nor comment. */
  readonly last: number;
  /** The same, where a string ends there: of the last one before that. */
  readonly lastBeforeString: number;
}

export const partnerOf: Readonly<Record<string, string>> = {
  ')': '(',
  ']': '[',
  '}': '{',
  '(': ')',
  '[': ']',
  '{': '}',
};

/** A tab's width where nobody says otherwise. Only comparisons within one file depend on it. */
const tabWidth = 4;
/** More than this many levels are not looked at. */
const mostBrackets = 32;
/** Characters that are read behind the cursor. What is further away hardly closes what was opened here. */
const readBehind = 16_384;
/** Characters before the cursor that are read; of longer files from a line on that begins at the margin. */
const readBefore = 262_144;

export function columnsOf(whitespace: string): number {
  let columns = 0;
  for (const char of whitespace) {
    columns += char === '\t' ? tabWidth - (columns % tabWidth) : 1;
  }
  return columns;
}

/** The white space at the beginning of the line that `offset` is in. */
export function indentAt(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, start + 512))?.[0] ?? '';
}

/** Where to begin reading: at the file's start, or at a line that begins at the margin. */
function beginning(text: string, offset: number): number {
  if (offset <= readBefore) {
    return 0;
  }
  const margin = /\n(?=[^\s})\]])/g;
  margin.lastIndex = offset - readBefore;
  const found = margin.exec(text)?.index ?? -1;
  return found >= 0 && found < offset ? found + 1 : offset - readBefore;
}

interface Before {
  readonly open: OpenBracket[];
  readonly state: LexState;
  readonly atCursor: LastCode;
  readonly beforeLine: LastCode;
}

function readToCursor(text: string, offset: number, lexis: Lexis): Before {
  const stack: { char: string; at: number }[] = [];
  const bracket = (char: string, at: number): void => {
    if ('([{'.includes(char)) {
      stack.push({ char, at });
      return;
    }
    // A bracket that was forgotten inside closes with the one around it.
    for (let i = stack.length - 1; i >= 0 && i > stack.length - 4; i -= 1) {
      if (stack[i]?.char === partnerOf[char]) {
        stack.length = i;
        return;
      }
    }
  };
  const from = beginning(text, offset);
  const lineStart = Math.max(from, text.lastIndexOf('\n', offset - 1) + 1);
  const lines = scan(text, lexis, { bracket }, { from, to: lineStart });
  const line = scan(text, lexis, { bracket }, { from: lineStart, to: offset, state: lines.state });
  const open = stack
    .slice(-mostBrackets)
    .reverse()
    .map(({ char, at }) => ({ char, at, indent: columnsOf(indentAt(text, at)) }));
  return { open, state: line.state, atCursor: line.last >= 0 ? line : lines, beforeLine: lines };
}

function closeBehind(text: string, offset: number, lexis: Lexis, state: LexState): CloseBracket[] {
  let depth = 0;
  const found: CloseBracket[] = [];
  const bracket = (char: string, at: number): void => {
    if ('([{'.includes(char)) {
      depth += 1;
    } else if (depth > 0) {
      depth -= 1;
    } else if (found.length < mostBrackets) {
      const lineStart = text.lastIndexOf('\n', at - 1) + 1;
      const before = text.slice(lineStart, at);
      const leads = lineStart > offset && before.trim() === '';
      found.push({ char, at: at - offset, indent: leads ? columnsOf(before) : -1 });
    }
  };
  scan(text, lexis, { bracket }, { from: offset, to: Math.min(text.length, offset + readBehind), state });
  return found;
}

export function surroundingsOf(text: string, offset: number, lexis: Lexis): Surroundings {
  const before = readToCursor(text, offset, lexis);
  const close = lexis.brackets ? closeBehind(text, offset, lexis, before.state) : [];
  return {
    open: lexis.brackets ? before.open : [],
    close,
    complete: text.length - offset <= readBehind && close.length < mostBrackets,
    state: before.state,
    atCursor: before.atCursor,
    beforeLine: before.beforeLine,
  };
}
