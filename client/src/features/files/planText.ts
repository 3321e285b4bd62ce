/** A plan as a text that the user edits: a line a file, `path — purpose`; lines with # say something to the reader. Pure. */
import type { PlannedFile } from '#protocol';

export interface PlanLine extends PlannedFile {
  /** From 0; where the path stands in it, UTF-16 units. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** What a line that is no comment means: the path is what stands before the first dash with spaces around it. */
const dash = /\s+(?:—|–|--?)(?:\s+|$)/;

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** `head`: sentences for the reader, shown as comments. */
export function planText(head: readonly string[], files: readonly PlannedFile[]): string {
  const lines = files.map(({ path, purpose }) => (purpose === '' ? path : `${path} — ${oneLine(purpose)}`));
  return `${head.map((sentence) => `# ${oneLine(sentence)}`).join('\n')}\n\n${lines.join('\n')}\n`;
}

export function readPlanText(text: string): readonly PlanLine[] {
  return text.split(/\r\n|\r|\n/).flatMap((whole, line) => {
    const bare = whole.trim();
    if (bare === '' || bare.startsWith('#')) {
      return [];
    }
    const start = whole.length - whole.trimStart().length;
    const found = dash.exec(whole.slice(start));
    const path = (found === null ? whole.slice(start) : whole.slice(start, start + found.index)).trimEnd();
    const purpose = found === null ? '' : oneLine(whole.slice(start + found.index + found[0].length));
    return [{ line, start, end: start + path.length, path, purpose }];
  });
}
