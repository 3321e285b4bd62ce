/** Lines of a suggestion begin as the document's lines do: with its tabs or spaces, at the right depth. */
import type { CursorText } from '../../prompt';
import { columnsOf, isLabel, type Scope } from '../../syntax';

interface IndentStyle {
  /** One level. */
  readonly unit: string;
}

const mostLinesRead = 400;
const usual: IndentStyle = { unit: '    ' };

/** What the lines around the cursor are indented with. Undefined when none is. */
function styleOf(text: string): IndentStyle | undefined {
  let tabs = 0;
  const steps = new Map<number, number>();
  let previous = 0;
  for (const line of text.split('\n')) {
    const white = /^[ \t]*/.exec(line)?.[0] ?? '';
    if (line.trim() === '' || /^\s+\*/.test(line)) {
      continue; // the lines of a block comment are one column further in
    }
    if (white.startsWith('\t')) {
      tabs += 1;
    } else {
      const step = white.length - previous;
      if (step > 1 && step <= 8) {
        steps.set(step, (steps.get(step) ?? 0) + 1);
      }
      previous = white.length;
    }
  }
  const spaces = [...steps].sort(([a, countA], [b, countB]) => countB - countA || a - b)[0];
  if (tabs > 0 && tabs >= (spaces?.[1] ?? 0)) {
    return { unit: '\t' };
  }
  return spaces === undefined ? undefined : { unit: ' '.repeat(spaces[0]) };
}

/** Of the document; where it has no indented line, of the text that is to be inserted, and otherwise four spaces. */
function indentStyle(before: string, behind: string, generated: string): IndentStyle {
  const around = [...before.split('\n').slice(-mostLinesRead), ...behind.split('\n', mostLinesRead)].join(
    '\n',
  );
  return styleOf(around) ?? styleOf(generated) ?? usual;
}

function leading(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

/** White space `columns` wide. */
function whiteSpace(columns: number, { unit }: IndentStyle): string {
  return unit === '\t'
    ? '\t'.repeat(Math.floor(columns / 4)) + ' '.repeat(columns % 4)
    : ' '.repeat(Math.max(0, columns));
}

/** Lines behind the first, in the document's style, all moved by as many columns. */
function restyled(lines: readonly string[], style: IndentStyle, by: number): string[] {
  return lines.map((line) => {
    const white = leading(line);
    if (line.trim() === '') {
      return '';
    }
    const foreign = by !== 0 || (style.unit === '\t' ? white.includes(' ') : white.includes('\t'));
    return foreign ? whiteSpace(Math.max(0, columnsOf(white) + by), style) + line.slice(white.length) : line;
  });
}

function columnsOfLine(line: string | undefined): number {
  return line === undefined ? 0 : columnsOf(leading(line));
}

/**
 * A single line at the beginning of its own. White space that is there already is not written twice; what a line may be indented with
 * that goes on a statement nobody can tell.
 */
function firstLine(text: string, { before, nextLines }: CursorText, lineStart: string): string {
  const previous = before.split('\n').findLast((line) => line.trim() !== '');
  const next = nextLines.split('\n').find((line) => line.trim() !== '');
  const unit = columnsOf(indentStyle(before, nextLines, text).unit);
  const deepest = Math.max(columnsOfLine(previous), columnsOfLine(next)) + 2 * unit;
  const begun = previous !== undefined && !/[;{}]\s*$/.test(previous);
  return lineStart === '' || begun || columnsOf(lineStart + leading(text)) < deepest
    ? text
    : text.trimStart();
}

function body(text: string, { before, nextLines }: CursorText, lineStart: string, scope: Scope): string {
  const style = indentStyle(before, nextLines, text);
  const inside = columnsOf(scope.blockIndent) + columnsOf(style.unit);
  const [first = '', ...rest] = text.split('\n');
  if (lineStart.trim() === '' && first.trim() !== '') {
    if (isLabel(first)) {
      return text;
    }
    // The first line begins where the cursor is, or where the body's lines belong; the others keep their distance from it.
    const here = columnsOf(lineStart);
    const written = columnsOf(lineStart + leading(first));
    const isDeepEnough = here > columnsOf(scope.blockIndent) && (here >= inside || written !== inside);
    const wanted = isDeepEnough ? here : inside;
    const by = wanted - written;
    // Often only the first line is wrong: the white space that is there already was written twice, or what is missing was not.
    const second = rest.find((line) => line.trim() !== '');
    const deeper = columnsOfLine(second) > written;
    const right = by < 0 ? columnsOfLine(second) + by < wanted : deeper && !/[([{:,]\s*$/.test(first);
    const white = whiteSpace(wanted - here, style);
    return [white + first.trimStart(), ...restyled(rest, style, right ? 0 : by)].join('\n');
  }
  // Behind what opens the block, or in a line that has been begun.
  const next = rest.find((line) => line.trim() !== '');
  const begins = first.trim() === '' && next !== undefined && !isLabel(next) && !/^\s*[)\]}]/.test(next);
  return [first, ...restyled(rest, style, begins ? inside - columnsOfLine(next) : 0)].join('\n');
}

/** The white space before a bracket that closes the body, where the bracket stands directly behind the cursor. */
function closing(text: string, restOfLine: string, scope: Scope): string {
  if (!scope.blockClosed || !restOfLine.trimStart().startsWith('}')) {
    return '';
  }
  return text.includes('\n') ? `\n${scope.blockIndent}` : text.startsWith(' ') ? ' ' : '';
}

/**
 * `text` with its lines indented as they should be where it is inserted. Lines end with '\n'. In comments and strings nothing is
 * changed: white space is part of what they say.
 */
export function indented(text: string, cursor: CursorText, scope: Scope): string {
  if (scope.kind !== 'code') {
    return text;
  }
  const lineStart = cursor.before.slice(cursor.before.lastIndexOf('\n') + 1);
  if (scope.multiLine) {
    return body(text, cursor, lineStart, scope) + closing(text, cursor.restOfLine, scope);
  }
  return lineStart.trim() === '' && /^[ \t]/.test(text) ? firstLine(text, cursor, lineStart) : text;
}
