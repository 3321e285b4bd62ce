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

/**
 * The text up to a sensible end, and whether that end has been reached: then the model need not go on. Ends are the policy's
 * number of lines, a line that was written a moment ago, and two empty lines.
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
  return { text, ended: false };
}

/** The same once the model has stopped: the last line counts as complete. */
export function cutWhenDone(text: string, policy: LinePolicy): string {
  return cutAtEnd(`${text}\n`, { maxLines: policy.maxLines }).text.replace(/\s+$/, '');
}
