/** Lines of a document: where they are, and what stands around them. Offsets are UTF-16 units. */
import { lineStarts, withoutEnd, type LineRange } from '#protocol';

export class DocumentLines {
  /** [lines]: where each begins. */
  private readonly starts: readonly number[];

  constructor(readonly text: string) {
    const starts = lineStarts(text);
    this.starts = starts.at(-1) === text.length ? starts.slice(0, -1) : starts;
  }

  /** What is behind the last line end is no line, if it is empty. */
  get count(): number {
    return this.starts.length;
  }

  /** Where line number `line` begins; the text's length for those behind the last. */
  startOf(line: number): number {
    return this.starts[line] ?? this.text.length;
  }

  /** What of the range is there. */
  within({ start, end }: LineRange): LineRange {
    const last = Math.min(end, this.count);
    return { start: Math.min(start, last), end: last };
  }

  /** Without its end. */
  line(line: number): string {
    return withoutEnd(this.text.slice(this.startOf(line), this.startOf(line + 1)));
  }

  lines({ start, end }: LineRange): readonly string[] {
    return Array.from({ length: Math.max(0, end - start) }, (_, i) => this.line(start + i));
  }
}

export function isBlank(line: string): boolean {
  return line.trim() === '';
}

export function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}
