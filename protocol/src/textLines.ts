/**
 * Where lines end, as VS Code counts them: CR LF, LF and CR end a line, and nothing else does. A form feed, U+0085, U+2028 and U+2029 are
 * characters like others, although JavaScript's own "." and "$" in regular expressions know some of them as line ends.
 */

/** The lines with their ends; joined they are the text. The last has none, and is '' where the text ends with a line end. At least one. */
export function linesOf(text: string): string[] {
  const starts = lineStarts(text);
  return starts.map((start, index) => text.slice(start, starts[index + 1] ?? text.length));
}

/** Offsets, in UTF-16 units; the first is 0. As many as VS Code shows lines. */
export function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 10 || (unit === 13 && text.charCodeAt(at + 1) !== 10)) {
      starts.push(at + 1);
    }
  }
  return starts;
}

/** The line that holds an offset, from 0. */
export function lineAt(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((starts[middle] ?? 0) <= offset) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

/** What ends a line: '' where it is the last one. */
export function lineEndOf(line: string): string {
  return line.endsWith('\r\n') ? '\r\n' : line.endsWith('\n') ? '\n' : line.endsWith('\r') ? '\r' : '';
}

/** The line without its end. */
export function withoutEnd(line: string): string {
  return line.slice(0, line.length - lineEndOf(line).length);
}

/** Whether an offset is amid two units that belong together: a pair of surrogates, or CR LF. VS Code moves an edit that begins or ends there. */
export function isAmid(text: string, offset: number): boolean {
  if (offset <= 0 || offset >= text.length) {
    return false;
  }
  const [left, right] = [text.charCodeAt(offset - 1), text.charCodeAt(offset)];
  return (
    (left === 13 && right === 10) || (left >= 0xd800 && left <= 0xdbff && right >= 0xdc00 && right <= 0xdfff)
  );
}
