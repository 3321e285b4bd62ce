/** Where generated text ends. */

export interface LinePolicy {
  /** Lines that a suggestion may have. */
  readonly maxLines: number;
}

function repeats(lines: readonly string[], index: number): boolean {
  const line = lines[index]?.trim() ?? '';
  if (line.length < 3) {
    return false; // closing brackets and empty lines repeat in good code too
  }
  return lines.slice(Math.max(0, index - 4), index).some((earlier) => earlier.trim() === line);
}

/** A phrase that stands three times in a row at the end: a small model that has lost its way goes on like that for ever. */
const goingInCircles = /(.{4,60}?)\1\1$/;

/**
 * The text up to a sensible end, and whether that end has been reached: then the model need not go on. Ends are the policy's
 * number of lines, a line that was written a moment ago, two empty lines, and a phrase that comes three times in a row.
 */
export function cutAtEnd(
  text: string,
  policy: LinePolicy,
): { readonly text: string; readonly ended: boolean } {
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i += 1) {
    const complete = i < lines.length - 1;
    if (i >= policy.maxLines) {
      return { text: lines.slice(0, i).join('\n'), ended: true };
    }
    if (
      complete &&
      i > 0 &&
      (repeats(lines, i) || (lines[i]?.trim() === '' && lines[i - 1]?.trim() === ''))
    ) {
      return { text: lines.slice(0, i).join('\n'), ended: true };
    }
  }
  const circle = goingInCircles.exec(text.trimEnd());
  if (circle !== null && /\w/.test(circle[1] as string)) {
    return { text: text.slice(0, circle.index + (circle[1] as string).length), ended: true };
  }
  return { text, ended: false };
}

/** The same once the model has stopped: the last line counts as complete. */
export function cutWhenDone(text: string, policy: LinePolicy): string {
  const cut = cutAtEnd(text, policy).text;
  return cutAtEnd(`${cut}\n`, policy).text.replace(/\s+$/, '');
}
