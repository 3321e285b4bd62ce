/**
 * The plain copy that the product is compared with: the longest end of the text before the cursor that stands anywhere else in the
 * file, and what follows it there up to the end of the line. The last such place before the cursor is taken, or else the first one
 * behind it.
 */

/** Characters of the text before the cursor that are looked for at the most. */
const longest = 60;
/** A shorter match is none. */
const shortest = 3;
/** Behind the cursor a match must be longer than this: closing brackets repeat. */
const shortestBehind = 5;

/**
 * @param {string} text the file with the cursor's line cut off
 * @param {number} offset
 * @returns {{ text: string, confidence: number, match: number }} '' = nothing; the confidence is the match's length as a share of the
 *   longest one
 */
export function plainCopy(text, offset) {
  const before = text.slice(0, offset);
  for (let length = Math.min(longest, offset); length >= shortest; length -= 1) {
    const end = before.slice(-length);
    // Not the text before the cursor itself.
    let at = offset > length ? before.lastIndexOf(end, offset - length - 1) : -1;
    if (at < 0 && length >= shortestBehind) {
      at = text.indexOf(end, offset);
    }
    if (at >= 0) {
      const from = at + length;
      const border = from <= offset ? before : text; // a line that ends at the cursor ends there
      const line = /^[^\n]*/.exec(border.slice(from))?.[0] ?? '';
      // Behind an indentation, what was found may be indented deeper.
      const said = /(^|\n)[ \t]*$/.test(before) ? line.trimStart() : line;
      return { text: said.trimEnd(), confidence: length / longest, match: length };
    }
  }
  return { text: '', confidence: 0, match: 0 };
}
