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

/** The first line at or behind `from` that is not blank, without white space around it; '' = there is none. */
export function firstSolidLine(text: string, from: number): string {
  let at = from;
  while (at < text.length) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end).trim();
    if (line !== '') {
      return line;
    }
    at = end + 1;
  }
  return '';
}

/** Lines. A few files' worth: between two keystrokes nearly all lines are the same. */
const mostCached = 10_000;
const cache = new Map<string, readonly Lexeme[]>();

export function cachedLexemes(line: string): readonly Lexeme[] {
  const known = cache.get(line);
  if (known !== undefined) {
    return known;
  }
  if (cache.size >= mostCached) {
    cache.clear();
  }
  const own = detached(line); // a line of every version of a file would keep every version in memory
  const lexemes = lexemesOf(own);
  cache.set(own, lexemes);
  return lexemes;
}
