/** A suggestion says nothing that stands behind the cursor already. (fit.ts drops what is the same letter by letter.) */
import type { CursorText } from '../../prompt';

/** Fewer characters than this are said twice in good code, too: brackets, `else`, `return;`. */
const fewest = 8;

/** Spaces apart, and what ends a statement. */
function essence(line: string): string {
  return line.replace(/\s+/g, '').replace(/[;,]$/, '');
}

/** The next line that is not blank. */
function nextLine(cursor: CursorText): string {
  return /[^\r\n]*\S[^\r\n]*/.exec(cursor.nextLines)?.[0] ?? '';
}

function leading(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

/**
 * `text` up to where it begins to say again what follows the cursor; '' when that is all it says. Only where the text makes up the
 * rest of its line: with something behind it, it is another line.
 */
export function withoutRepetition(text: string, cursor: CursorText): string {
  if (cursor.restOfLine.trim() !== '') {
    return text;
  }
  const next = nextLine(cursor);
  if (essence(next).length < fewest) {
    return text;
  }
  const lineStart = cursor.before.slice(cursor.before.lastIndexOf('\n') + 1);
  const lines = text.split('\n');
  const again = lines.findIndex((line, i) =>
    i === 0
      ? essence(lineStart + line) === essence(next)
      : // Deeper or less deep it is another line.
        essence(line) === essence(next) && leading(line) === leading(next),
  );
  return again < 0 ? text : lines.slice(0, again).join('\n').trimEnd();
}
