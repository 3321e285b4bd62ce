/**
 * Where the text before the cursor has occurred before, and how much of it: the longest match of a copy predictor, and with it all the
 * shorter ones, because several that agree are worth more than one that is a little longer. Blanks at the beginning of lines count as
 * one: code that was moved into another block is still the same code.
 */

export interface Occurrence {
  /** Offset in the source behind the matched text. */
  readonly end: number;
  /** Characters that agree, runs of blanks counted as one. */
  readonly matched: number;
  /** Words and numbers among them that agree as a whole. */
  readonly words: number;
  /** Whether the match reaches back to the beginning of the cursor's line, and whole lines before it. */
  readonly lines: number;
}

/** Characters. What agrees for so long is the same text. */
const mostMatched = 400;
/** In a row. Code has fewer; each of many occurrences would read them all again. */
const mostBlanks = 500;

const wordCharacter = /[\p{L}\p{N}_$]/u;

function isBlank(unit: number): boolean {
  return unit === 32 || (unit >= 9 && unit <= 13) || unit === 160;
}

function isWord(unit: number): boolean {
  return (
    (unit >= 97 && unit <= 122) ||
    (unit >= 65 && unit <= 90) ||
    (unit >= 48 && unit <= 57) ||
    unit === 95 ||
    unit === 36 ||
    (unit > 127 && wordCharacter.test(String.fromCharCode(unit)))
  );
}

/** The blanks that end at `end`, and whether there is a line break among them; undefined where they are too many to agree on anything. */
function blanksBefore(
  text: string,
  end: number,
): { readonly start: number; readonly breaks: boolean } | undefined {
  let start = end;
  let breaks = false;
  while (start > 0 && isBlank(text.charCodeAt(start - 1))) {
    if (end - start >= mostBlanks) {
      return undefined;
    }
    breaks ||= text.charCodeAt(start - 1) === 10;
    start -= 1;
  }
  return { start, breaks };
}

/** How far `before` (up to its end) and `source` (up to `end`) agree backwards. */
export function agreeBackwards(before: string, source: string, end: number): Occurrence {
  let a = before.length;
  let b = end;
  let matched = 0;
  let words = 0;
  let lines = 0;
  let inWord = false;
  while (a > 0 && b > 0 && matched < mostMatched) {
    const x = before.charCodeAt(a - 1);
    const y = source.charCodeAt(b - 1);
    if (isBlank(x) && isBlank(y)) {
      if (inWord) {
        words += 1;
        inWord = false;
      }
      const ours = blanksBefore(before, a);
      const theirs = blanksBefore(source, b);
      if (theirs === undefined || ours?.breaks !== theirs.breaks) {
        break;
      }
      a = ours.start;
      b = theirs.start;
      matched += 1;
      lines += ours.breaks ? 1 : 0;
      continue;
    }
    if (x !== y) {
      // Half a word says little; what was counted of it stays as characters.
      break;
    }
    if (isWord(x)) {
      inWord = true;
    } else if (inWord) {
      words += 1;
      inWord = false;
    }
    matched += 1;
    a -= 1;
    b -= 1;
  }
  const wordEnds =
    (a === 0 || !isWord(before.charCodeAt(a - 1))) && (b === 0 || !isWord(source.charCodeAt(b - 1)));
  return { end, matched, words: words + (inWord && wordEnds ? 1 : 0), lines };
}

/** Offset behind the blanks that begin at `from`; at the most `mostBlanks` of them. */
function skipBlanks(text: string, from: number): number {
  const most = Math.min(text.length, from + mostBlanks);
  let at = from;
  while (at < most && isBlank(text.charCodeAt(at))) {
    at += 1;
  }
  return at;
}

/**
 * All places in `source` before which stands what stands before the cursor: its last `least` characters at least that are not blank, and
 * blanks where it ends in blanks. The end of `source` is none. The latest first, at most `most`.
 */
export function occurrencesIn(
  before: string,
  source: string,
  least: number,
  most: number,
): readonly Occurrence[] {
  const solid = before.trimEnd();
  const tail = before.slice(solid.length);
  const needle = solid.slice(-least);
  if (needle.length < least) {
    return [];
  }
  const found: Occurrence[] = [];
  for (
    let at = source.lastIndexOf(needle);
    at >= 0 && found.length < most;
    at = at === 0 ? -1 : source.lastIndexOf(needle, at - 1)
  ) {
    const solidEnd = at + needle.length;
    const end = tail === '' ? solidEnd : skipBlanks(source, solidEnd);
    const gap = source.slice(solidEnd, end);
    if (end < source.length && (tail === '' || (gap !== '' && gap.includes('\n') === tail.includes('\n')))) {
      found.push(agreeBackwards(before, source, end));
    }
  }
  return found;
}
