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

/** The longest end of `text` that `behind` begins with. */
function overlap(text: string, behind: string): number {
  for (let length = Math.min(text.length, behind.length); length > 0; length -= 1) {
    if (text.endsWith(behind.slice(0, length))) {
      return length;
    }
  }
  return 0;
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
    }
  } else if (rest !== '') {
    const whole = line.indexOf(rest);
    text = whole >= 0 ? line.slice(0, whole) : line.slice(0, line.length - overlap(line, rest));
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
