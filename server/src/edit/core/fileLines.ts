/**
 * A text as lines that can be replaced, and the edits that follow from it. New lines end as the lines around them do; whether the last line has an
 * end stays as it was; a byte order mark stays where it is and belongs to no line.
 */
import {
  lineEndOf,
  linesOf,
  minimalEdits,
  withoutEnd,
  type LineRange,
  type TextEdit,
  type TextEdits,
} from '#protocol';

const byteOrderMark = '\ufeff';

/** Lines that take the place of others. */
export interface LineChange {
  readonly lines: LineRange;
  /** Without their ends. A number is the line of the file with that number, as it is: it belongs to `lines`. */
  readonly becomes: readonly (string | number)[];
}

export class FileLines {
  /** Units before the first line. */
  private readonly base: number;
  /** With their ends. What is behind the last line end is none, if it is empty. */
  private readonly whole: readonly string[];
  /** Without their ends. */
  readonly lines: readonly string[];

  constructor(readonly text: string) {
    this.base = text.startsWith(byteOrderMark) ? byteOrderMark.length : 0;
    this.whole = linesOf(text.slice(this.base)).filter((line) => line !== '');
    this.lines = this.whole.map((line) => withoutEnd(line));
  }

  /** A range that somebody else gave, as lines that there are. */
  clamped({ start, end }: LineRange): LineRange {
    const last = this.whole.length;
    const from = Math.min(Math.max(0, start), last);
    return { start: from, end: Math.min(Math.max(from, end), last) };
  }

  /** `changes`: ascending and apart, of lines that there are. Throws a RangeError where they are not. */
  edits(changes: readonly LineChange[]): TextEdits {
    let last = 0;
    for (const { lines } of changes) {
      if (lines.start < last || lines.end < lines.start || lines.end > this.whole.length) {
        throw new RangeError(
          `The lines ${String(lines.start)} to ${String(lines.end)} are none, or changed already.`,
        );
      }
      last = lines.end;
    }
    const edits: TextEdit[] = [];
    let line = 0;
    let offset = this.base;
    for (const { lines, becomes } of this.apart(this.withEnd(changes))) {
      offset += this.lengthOf({ start: line, end: lines.start });
      const old = this.whole.slice(lines.start, lines.end).join('');
      const made = this.made({ lines, becomes });
      edits.push(
        ...minimalEdits(old, made).map(({ start, end, text }) => ({
          start: offset + start,
          end: offset + end,
          text,
        })),
      );
      offset += old.length;
      line = lines.end;
    }
    return edits;
  }

  private lengthOf({ start, end }: LineRange): number {
    return this.whole.slice(start, end).reduce((length, line) => length + line.length, 0);
  }

  private endsOpen(): boolean {
    return this.whole.length > 0 && lineEndOf(this.whole.at(-1) ?? '') === '';
  }

  /** Where the file has no final line end, and its last lines go or more come, the end of the line before them changes: it becomes part of the change. */
  private withEnd(changes: readonly LineChange[]): readonly LineChange[] {
    const rest = [...changes];
    let last = rest.pop();
    if (last === undefined || last.lines.end < this.whole.length || !this.endsOpen()) {
      return changes;
    }
    while ((last.becomes.length === 0 || last.lines.start === this.whole.length) && last.lines.start > 0) {
      const before: LineChange | undefined = rest.at(-1);
      if (before?.lines.end === last.lines.start) {
        rest.pop();
        const becomes: LineChange['becomes'] = [...before.becomes, ...last.becomes];
        last = { lines: { start: before.lines.start, end: last.lines.end }, becomes };
      } else {
        const kept: number = last.lines.start - 1;
        last = { lines: { start: kept, end: last.lines.end }, becomes: [kept, ...last.becomes] };
      }
    }
    return [...rest, last];
  }

  /** Where a CR and a LF would come together, and make one line end of two, the line before becomes part of the change, which then mends it. */
  private apart(changes: readonly LineChange[]): readonly LineChange[] {
    const done: LineChange[] = [];
    for (const change of changes) {
      const { start, end } = change.lines;
      const before = done.at(-1)?.lines.end === start ? done.at(-1) : undefined;
      const left = before === undefined ? (this.whole[start - 1] ?? '') : this.made(before);
      const right = this.made(change) || (this.whole[end] ?? '');
      if (!left.endsWith('\r') || !right.startsWith('\n')) {
        done.push(change);
      } else if (before === undefined) {
        done.push({ lines: { start: start - 1, end }, becomes: [start - 1, ...change.becomes] });
      } else {
        done.pop();
        const becomes = [...before.becomes, ...change.becomes];
        done.push({ lines: { start: before.lines.start, end }, becomes });
      }
    }
    return done;
  }

  /** The text that a change puts in the place of its lines. */
  private made({ lines, becomes }: LineChange): string {
    const replaced = lines.end - lines.start;
    let last = lineEndOf(this.whole[lines.start - 1] ?? '');
    const made = becomes.map((line, index) => {
      const own = typeof line === 'number' ? line : index < replaced ? lines.start + index : -1;
      last = lineEndOf(this.whole[own] ?? '') || last || this.usualEnd();
      return (typeof line === 'number' ? (this.lines[line] ?? '') : line) + last;
    });
    if (lines.end >= this.whole.length && this.endsOpen()) {
      made.push(withoutEnd(made.pop() ?? ''));
    }
    const behind = this.whole[lines.end] ?? '';
    return made
      .map((line, index) =>
        line.endsWith('\r') && (made[index + 1] ?? behind).startsWith('\n') ? `${line}\n` : line,
      )
      .join('');
  }

  private usualEnd(): string {
    const counts = new Map<string, number>([['\n', 0]]);
    for (const line of this.whole) {
      const end = lineEndOf(line);
      if (end !== '') {
        counts.set(end, (counts.get(end) ?? 0) + 1);
      }
    }
    return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
  }
}

/** A model's text as lines without their ends; a line end at its end begins no further line. */
export function answerLines(text: string): string[] {
  return linesOf(text)
    .map((line) => withoutEnd(line))
    .slice(0, /[\r\n]$/.test(text) || text === '' ? -1 : undefined);
}
