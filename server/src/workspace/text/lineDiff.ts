/** What changed between two versions of a text, as one run of lines. */
import { linesOf } from './lines';

export interface LineChange {
  /** Of the first line that changed, in both versions. */
  readonly startLine: number;
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/** Undefined when no line differs. Several edits between the versions are one change from the first to the last. */
export function lineChange(before: string, after: string): LineChange | undefined {
  const old = linesOf(before);
  const now = linesOf(after);
  const shorter = Math.min(old.length, now.length);
  let start = 0;
  while (start < shorter && old[start] === now[start]) {
    start += 1;
  }
  let end = 0;
  while (end < shorter - start && old[old.length - 1 - end] === now[now.length - 1 - end]) {
    end += 1;
  }
  const removed = old.slice(start, old.length - end);
  const added = now.slice(start, now.length - end);
  return removed.length === 0 && added.length === 0 ? undefined : { startLine: start, removed, added };
}

/** As a hunk of a unified diff. */
export function asDiff({ startLine, removed, added }: LineChange): string {
  const range = (count: number): string =>
    `${String(count === 0 ? startLine : startLine + 1)}${count === 1 ? '' : `,${String(count)}`}`;
  return [
    `@@ -${range(removed.length)} +${range(added.length)} @@`,
    ...removed.map((line) => `-${line}`),
    ...added.map((line) => `+${line}`),
    '',
  ].join('\n');
}
