/** What an edit in place is of: the selection, else the function around the cursor, else the file where it is small. */
import type { LineRange } from '#protocol';
import { l10n, type Range, type TextDocument } from 'vscode';
import { symbolAt, wholeLines } from '../../editorPlaces';
import { nameOf } from '../../insideWorkspace';

/** A file of more lines is not edited as a whole: a small model would lose itself in it. */
const mostLines = 120;

export interface Target {
  readonly document: TextDocument;
  readonly range: LineRange;
  /** What it is called, for people: `math.ts, lines 3 to 8`. */
  readonly label: string;
}

/** Lines count from 0. */
export function linesLabel({ start, end }: LineRange): string {
  return end - start <= 1
    ? l10n.t('line {0}', start + 1)
    : l10n.t('lines {0} to {1}', start + 1, Math.max(end, start + 1));
}

export function targetOf(document: TextDocument, range: LineRange, symbol = ''): Target {
  const name = nameOf(document.uri);
  const lines = linesLabel(range);
  const label = symbol === '' ? `${name}, ${lines}` : `${symbol} (${name}, ${lines})`;
  return { document, range, label };
}

/** A problem, a sentence, where it is not clear what is meant. */
export async function targetAt(document: TextDocument, range: Range): Promise<Target | string> {
  const selected = wholeLines(range);
  if (selected !== undefined) {
    return targetOf(document, selected);
  }
  const symbol = await symbolAt(document, range);
  if (symbol !== undefined) {
    const lines = { start: symbol.range.start.line, end: symbol.range.end.line + 1 };
    return targetOf(document, lines, symbol.name);
  }
  if (document.lineCount > mostLines) {
    return l10n.t(
      'Select the lines that are to be edited: there is no function around the cursor, and {0} is too long to be edited as a whole.',
      nameOf(document.uri),
    );
  }
  return { document, range: { start: 0, end: document.lineCount }, label: nameOf(document.uri) };
}
