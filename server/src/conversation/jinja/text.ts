/**
 * Texts as Python's: code points, Python's white space. Marks (../marks.ts) are no characters here: they are neither counted nor compared
 * nor trimmed away, and they stay where they are. Only where a template looks for one of its own markers (`isMarker`) do they count, so
 * that it finds none in what others wrote.
 */
import { anyMark, hasMarks, plain } from '../marks';

/** What str.strip() takes off. */
const space =
  '\t\n\v\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';
const spaces = new Set(space);
/** What str.splitlines() splits at. */
export const lineBreak =
  // eslint-disable-next-line no-control-regex -- they are what it is about
  /\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/;
const markOrCharacter = /[\ud800-\ud81f](?![\udc00-\udfff])|[^]/gu;

export function isSpace(character: string): boolean {
  return spaces.has(character);
}

/** Characters, each with the marks before it; marks at the end belong to the last. */
export function characters(text: string): string[] {
  if (!hasMarks(text)) {
    return Array.from(text);
  }
  const out: string[] = [];
  let held = '';
  for (const [item] of text.matchAll(markOrCharacter)) {
    if (hasMarks(item)) {
      held += item;
    } else {
      out.push(held + item);
      held = '';
    }
  }
  if (out.length > 0) {
    out[out.length - 1] = `${out.at(-1) ?? ''}${held}`;
  }
  return out;
}

export function lengthOf(text: string): number {
  return Array.from(plain(text)).length;
}

/** By code points: what a < b says in Python. */
export function compareText(left: string, right: string): number {
  const a = Array.from(plain(left), (c) => c.codePointAt(0) ?? 0);
  const b = Array.from(plain(right), (c) => c.codePointAt(0) ?? 0);
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) {
    if (a[i] !== b[i]) {
      return (a[i] ?? 0) - (b[i] ?? 0);
    }
  }
  return a.length - b.length;
}

/** `set`: what is taken off; undefined = white space. */
export function strip(text: string, set: string | undefined, left: boolean, right: boolean): string {
  const off = set === undefined ? spaces : new Set(plain(set));
  let begin = 0;
  let before = '';
  for (
    let next = left ? text.codePointAt(0) : undefined;
    next !== undefined;
    next = text.codePointAt(begin)
  ) {
    const item = String.fromCodePoint(next);
    if (hasMarks(item)) {
      before += item;
    } else if (!off.has(item)) {
      break;
    }
    begin += item.length;
  }
  let end = text.length;
  let after = '';
  while (right && end > begin) {
    const pair = end - 2 >= begin ? (text.codePointAt(end - 2) ?? 0) : 0;
    const item = pair > 0xffff ? String.fromCodePoint(pair) : (text[end - 1] ?? '');
    if (hasMarks(item)) {
      after = item + after;
    } else if (!off.has(item)) {
      break;
    }
    end -= item.length;
  }
  return before + text.slice(begin, end) + after;
}

/** How texts are searched in. */
export class TextSearch {
  /**
   * `isMarker`: whether a text holds what is a template's alone. `allow` is told the length of a text before it is made, and throws when
   * that is too much.
   */
  constructor(
    private readonly isMarker: (text: string) => boolean,
    readonly allow: (length: number) => void,
  ) {}

  includes(text: string, pattern: string): boolean {
    return this.seen(text, pattern).includes(plain(pattern));
  }

  startsWith(text: string, pattern: string): boolean {
    return this.seen(text, pattern).startsWith(plain(pattern));
  }

  endsWith(text: string, pattern: string): boolean {
    return this.seen(text, pattern).endsWith(plain(pattern));
  }

  /** In code points; -1 = it is not there. */
  indexOf(text: string, pattern: string, fromRight = false): number {
    const seen = this.seen(text, pattern);
    const wanted = plain(pattern);
    const at = fromRight ? seen.lastIndexOf(wanted) : seen.indexOf(wanted);
    return at < 0 ? -1 : lengthOf(seen.slice(0, at));
  }

  /** Parts between the separator, which is not ''. `most` separators count, -1 = all. */
  split(text: string, separator: string, most = -1): string[] {
    const wanted = plain(separator);
    const limited = (parts: string[]): string[] =>
      most < 0 || parts.length <= most + 1
        ? parts
        : [...parts.slice(0, most), parts.slice(most).join(wanted)];
    if (!hasMarks(text) || this.isMarker(wanted)) {
      return limited(text.split(wanted));
    }
    // Where each unit of the plain text stands in the marked one.
    const places: number[] = [];
    const marked = new Set(Array.from(text.matchAll(anyMark), ({ index }) => index));
    for (let i = 0; i < text.length; i += 1) {
      if (!marked.has(i)) {
        places.push(i);
      }
    }
    const seen = plain(text);
    const parts: string[] = [];
    let from = 0;
    for (
      let at = seen.indexOf(wanted);
      at >= 0 && (most < 0 || parts.length < most);
      at = seen.indexOf(wanted, at + wanted.length)
    ) {
      parts.push(text.slice(from, places[at]));
      from = (places[at + wanted.length - 1] ?? 0) + 1;
    }
    return [...parts, text.slice(from)];
  }

  private seen(text: string, pattern: string): string {
    return this.isMarker(plain(pattern)) ? text : plain(text);
  }
}
