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

/** The text without what it repeats: up to the end of the first time round, at the end of a word. Undefined when it does not. */
function cutCircle(text: string): string | undefined {
  const circle = goingInCircles.exec(text);
  const phrase = circle?.[1];
  if (circle === null || phrase === undefined || !/\w/.test(phrase)) {
    return undefined;
  }
  // What was found may begin anywhere in the phrase: the first time round began earlier.
  let start = circle.index;
  while (start > 0 && text[start - 1] === text[start - 1 + phrase.length]) {
    start -= 1;
  }
  const once = text.slice(0, start + phrase.length);
  const insideWord = /\w$/.test(once) && /^\w/.test(text.slice(once.length));
  return insideWord && /\W/.test(phrase) ? once.replace(/\w+$/, '').replace(/[\s,;:.&|+\-*/=]+$/, '') : once;
}

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
  const cut = cutCircle(text.trimEnd());
  return cut === undefined ? { text, ended: false } : { text: cut, ended: true };
}

/** The same once the model has stopped: the last line counts as complete. */
export function cutWhenDone(text: string, policy: LinePolicy): string {
  const cut = cutAtEnd(text, policy).text;
  return cutAtEnd(`${cut}\n`, policy).text.replace(/\s+$/, '');
}
