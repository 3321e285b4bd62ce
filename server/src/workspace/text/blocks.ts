/**
 * Blocks of lines that belong together, told by blank lines and indentation. For every language that nobody has a grammar for.
 */
import type { Chunker, LineBlock } from '../part';
import { linesOf } from './lines';

/** Lines. Smaller blocks are put together, larger ones divided. */
const few = 12;
const most = 40;

function indentOf(line: string): number {
  return (/^[ \t]*/.exec(line)?.[0] ?? '').replaceAll('\t', '    ').length;
}

function isBlank(line: string | undefined): boolean {
  return line === undefined || line.trim() === '';
}

/** Lines that only close what was opened belong to what is before them. */
const closes = /^\s*[)\]}>;,]+\s*$|^\s*(?:end|else|elif|except|finally|catch)\b/;

/** Where a block of lines is best cut: behind a blank line, as little indented as may be, near the middle. */
function bestCut(lines: readonly string[], { startLine, endLine }: LineBlock): number {
  const middle = (startLine + endLine) / 2;
  const quarter = (endLine - startLine) / 4;
  let best = Math.floor(middle);
  let bestCost = Infinity;
  for (let i = Math.ceil(startLine + quarter / 2); i <= endLine - quarter / 2; i += 1) {
    const line = lines[i] as string;
    if (isBlank(line) || closes.test(line)) {
      continue;
    }
    const cost =
      indentOf(line) + (isBlank(lines[i - 1]) ? 0 : 4) + Math.abs(i - middle) / Math.max(1, quarter);
    if (cost < bestCost) {
      best = i;
      bestCost = cost;
    }
  }
  return best;
}

function divided(lines: readonly string[], block: LineBlock): readonly LineBlock[] {
  if (block.endLine - block.startLine <= most) {
    return [block];
  }
  const cut = bestCut(lines, block);
  return [
    ...divided(lines, { startLine: block.startLine, endLine: cut }),
    ...divided(lines, { startLine: cut, endLine: block.endLine }),
  ];
}

/** A chunker (see Chunker): blocks begin where a line without indentation follows a blank one. */
export const lineBlocks: Chunker = ({ text }) => {
  const lines = linesOf(text);
  const starts = lines.flatMap((line, i) =>
    i === 0 || (!isBlank(line) && isBlank(lines[i - 1]) && indentOf(line) === 0 && !closes.test(line))
      ? [i]
      : [],
  );
  const blocks: LineBlock[] = [];
  starts.forEach((startLine, i) => {
    const endLine = starts[i + 1] ?? lines.length;
    const last = blocks.at(-1);
    if (last !== undefined && endLine - last.startLine <= few) {
      blocks[blocks.length - 1] = { startLine: last.startLine, endLine };
    } else {
      blocks.push({ startLine, endLine });
    }
  });
  return blocks.flatMap((block) => divided(lines, block));
};

/** The block that a line is in; behind the last one, the last. */
export function blockAt(blocks: readonly LineBlock[], line: number): LineBlock {
  return (
    blocks.find(({ startLine, endLine }) => line >= startLine && line < endLine) ??
    blocks.at(-1) ?? { startLine: 0, endLine: 1 }
  );
}
