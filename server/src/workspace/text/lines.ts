/** Texts as lines. */

/** Without line breaks; a text that ends with one has no empty line behind it. */
export function linesOf(text: string): readonly string[] {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') {
    lines.pop();
  }
  return lines;
}

/** Each line ended by '\n'. */
export function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** The line that an offset is in. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).match(/\r\n|\r|\n/g)?.length ?? 0;
}

/** Whether people read and write such a text: generated and minified files have lines without end. */
export function isWrittenByPeople(text: string): boolean {
  let breaks = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    breaks += 1;
  }
  return text.length / breaks <= 200;
}
