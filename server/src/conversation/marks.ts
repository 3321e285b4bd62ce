/**
 * Marks in texts that others wrote, which show a template's words apart from theirs once all of it is one text. A mark is half of a
 * surrogate pair, alone: well-formed text has none, and what is shown to a model is made well-formed first, so nobody can forge one.
 * Templates do not see marks (jinja/text.ts): whatever they count, cut, trim or compare is the text without them.
 */

/** Stands within everything that could be taken for a control token or for a template's own words. */
export const mark = '\ud800';
const numberEnd = '\ud801';
const regionEnd = '\ud802';
const digits = 0xd810;

/** A mark is not followed by the other half. */
export const anyMark = /[\ud800-\ud81f](?![\udc00-\udfff])/g;
const regionStart = /([\ud810-\ud819]+)\ud801/y;

/** What Node makes of it as UTF-8: halves of pairs become U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

export function plain(text: string): string {
  return text.replace(anyMark, '');
}

export function hasMarks(text: string): boolean {
  return text.search(anyMark) >= 0;
}

/** Marks where a text begins and ends, so that it is found again: a message's number. */
export function region(number: number, text: string): string {
  const written = Array.from(String(number), (digit) => String.fromCharCode(digits + Number(digit))).join('');
  return `${written}${numberEnd}${text}${regionEnd}`;
}

export interface Region {
  readonly number: number;
  /** In the text without marks. */
  readonly begin: number;
  readonly end: number;
}

export interface Unmarked {
  readonly text: string;
  /** Where marks were: each is before the unit of this index. Ascending; twice where there were two. */
  readonly marks: readonly number[];
  readonly regions: readonly Region[];
}

/** Takes the marks out and says where they were. */
export function unmark(marked: string): Unmarked {
  const marks: number[] = [];
  const regions: Region[] = [];
  let open: { number: number; begin: number } | undefined;
  let text = '';
  let from = 0;
  for (const { index } of marked.matchAll(anyMark)) {
    text += marked.slice(from, index);
    from = index + 1;
    const kind = marked[index];
    if (kind === mark) {
      marks.push(text.length);
    } else if (kind === regionEnd && open !== undefined) {
      regions.push({ ...open, end: text.length });
      open = undefined;
    } else {
      regionStart.lastIndex = index;
      const found = regionStart.exec(marked)?.[1];
      if (found !== undefined && (index === 0 || !isDigit(marked.charCodeAt(index - 1)))) {
        const number = Number(Array.from(found, (c) => String(c.charCodeAt(0) - digits)).join(''));
        open = { number, begin: text.length };
      }
    }
  }
  return { text: text + marked.slice(from), marks, regions };
}

function isDigit(code: number): boolean {
  return code >= digits && code < digits + 10;
}
