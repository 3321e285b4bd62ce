/** Fits generated text to what stands behind the cursor: nothing may appear twice, nothing may be lost. */
import { isClosersOnly, type CursorText } from '../prompt';

export interface Fitted {
  readonly text: string;
  /** Characters behind the cursor that the text replaces. */
  readonly replaced: number;
}

const partners: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/**
 * Where in `line` the closing bracket stands that closes something opened before the line; -1 when every bracket in it has its
 * partner in it.
 */
function unmatchedCloser(line: string, closer: string, from: number): number {
  let open = 0;
  for (let i = from; i < line.length; i += 1) {
    if (line[i] === partners[closer]) {
      open += 1;
    } else if (line[i] === closer) {
      if (open === 0) {
        return i;
      }
      open -= 1;
    }
  }
  return -1;
}

/** Whether all of `closers` is there in `line`, in order, as something that closes what was opened before the line. */
function takesOver(line: string, closers: string): boolean {
  let at = 0;
  for (const closer of closers) {
    const found = closer in partners ? unmatchedCloser(line, closer, at) : line.indexOf(closer, at);
    if (found < 0) {
      return false;
    }
    at = found + 1;
  }
  return true;
}

/** Whether `text` could be cut at `at` without cutting a word in two. */
function betweenWords(text: string, at: number): boolean {
  return at === 0 || at === text.length || !/\w\w/.test(text.slice(at - 1, at + 1));
}

/** The longest end of `text` that `behind` begins with, where that cuts no word. */
function overlap(text: string, behind: string): number {
  for (let length = Math.min(text.length, behind.length); length > 0; length -= 1) {
    if (text.endsWith(behind.slice(0, length)) && betweenWords(text, text.length - length)) {
      return length;
    }
  }
  return 0;
}

/** Where all of `behind` stands in `line`, as words of its own; -1 when it does not. */
function wholeWords(line: string, behind: string): number {
  for (let at = line.indexOf(behind); at >= 0; at = line.indexOf(behind, at + 1)) {
    if (betweenWords(line, at) && betweenWords(line, at + behind.length)) {
      return at;
    }
  }
  return -1;
}

/** The lines without those at their end that the file goes on with. */
function withoutNextLines(text: string, cursor: CursorText): string {
  const lines = text.split('\n');
  const next = cursor.nextLines.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '');
  for (let count = Math.min(lines.length - 1, next.length); count > 0; count -= 1) {
    const end = lines.slice(-count);
    if (end.every((line, i) => line.trimEnd() === next[i]?.trimEnd())) {
      return lines.slice(0, -count).join('\n').trimEnd();
    }
  }
  return text;
}

function firstLine(text: string): string {
  return /^[^\r\n]*/.exec(text)?.[0] ?? '';
}

/** Whether the finished line says again what the next line of the file says. */
function repeatsNextLine(line: string, cursor: CursorText): boolean {
  const next = cursor.nextLines.split(/\r\n|\r|\n/).find((candidate) => candidate.trim() !== '');
  return next !== undefined && line.trim() !== '' && line.trimEnd() === next.trimEnd();
}

/** Undefined when nothing worth showing is left. */
export function fitToCursor(generated: string, cursor: CursorText): Fitted | undefined {
  const rest = cursor.restOfLine.trimEnd();
  const line = firstLine(generated);
  let text = generated;
  let replaced = 0;
  if (rest !== '' && isClosersOnly(rest)) {
    if (takesOver(line, rest.replace(/\s+/g, ''))) {
      replaced = cursor.restOfLine.length; // the editor shows the new text around the brackets that are there
    } else {
      // Some of them: what is there stays, and the text ends before it would close the same once more.
      const first = rest.trimStart()[0] as string;
      const closes = first in partners ? unmatchedCloser(line, first, 0) : line.indexOf(first);
      text = closes >= 0 ? line.slice(0, closes) : text;
    }
  } else if (rest !== '') {
    const whole = wholeWords(line, rest);
    text = whole >= 0 ? line.slice(0, whole) : line.slice(0, line.length - overlap(line, rest));
  }
  if (rest === '' && text.includes('\n')) {
    text = withoutNextLines(text, cursor);
  }
  if (text.trim() === '') {
    return undefined;
  }
  const lineStart = cursor.before.slice(cursor.before.lastIndexOf('\n') + 1);
  if (!text.includes('\n') && rest === '' && repeatsNextLine(lineStart + text, cursor)) {
    return undefined;
  }
  return { text, replaced };
}
