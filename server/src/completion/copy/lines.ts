/** Lines of a text by offset, and lines as lexemes. */
import { detached } from '../../util/detached';
import { lexemesOf, type Lexeme } from './lexemes';

/** Offsets of a text's line breaks, so that lines between two places are counted without reading the text again. */
export class LineBreaks {
  private readonly at: number[] = [];

  constructor(text: string) {
    for (let found = text.indexOf('\n'); found >= 0; found = text.indexOf('\n', found + 1)) {
      this.at.push(found);
    }
  }

  /** Line breaks before `offset`. */
  before(offset: number): number {
    let low = 0;
    let high = this.at.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.at[middle] as number) < offset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  get count(): number {
    return this.at.length;
  }
}

export function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

/** Characters that are looked at for a line that is not blank. */
const mostBlank = 500;

/** The first line behind `from` that is not blank, without white space around it; '' = there is none near. */
export function firstSolidLine(text: string, from: number): string {
  const most = Math.min(text.length, from + mostBlank);
  let at = from;
  while (at < most) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end).trim();
    if (line !== '') {
      return line;
    }
    at = end + 1;
  }
  return '';
}

/** Characters, a few files' worth: between two keystrokes nearly all lines are the same. Their lexemes take some fifty times as many bytes. */
const mostCached = 300_000;
const cache = new Map<string, readonly Lexeme[]>();
let cached = 0;

/** Forgets all lines. Those of documents that are still open are cut again when they are needed. */
export function forgetLines(): void {
  cache.clear();
  cached = 0;
}

export function cachedLexemes(line: string): readonly Lexeme[] {
  const known = cache.get(line);
  if (known !== undefined) {
    return known;
  }
  if (cached >= mostCached) {
    forgetLines();
  }
  cached += line.length;
  const own = detached(line); // a line of every version of a file would keep every version in memory
  const lexemes = lexemesOf(own);
  cache.set(own, lexemes);
  return lexemes;
}
