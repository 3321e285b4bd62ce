/**
 * Cuts Markdown that is still being written into blocks that nothing that follows can change, and the last one, which may still grow. A block is
 * finished when another one has begun behind it. Long lists, tables and paragraphs are cut inside, so that what is laid out anew with every
 * word stays short.
 */
import type Token from 'markdown-it/lib/token.mjs';
import { markdown, type Definitions } from './parser';

/** UTF-16 units from which on a block that is still growing is cut. */
const longBlock = 1_200;
/** From which on it is cut wherever a line ends, or a word. */
const hugeBlock = 4_000;

export interface Tail {
  /** Lengths of finished blocks, one after the other from the beginning of the text. */
  readonly finished: readonly number[];
  /** The last block is a fenced code block that may still grow: its content and info so far. */
  readonly openFence: { readonly info: string; readonly content: string } | null;
  /** What stands before a table's remaining rows, where a table was cut; '' otherwise. */
  readonly repeat: string;
}

/** Where each line begins, and the end of the text. */
function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    starts.push(at + 1);
  }
  starts.push(text.length);
  return starts;
}

/** Block tokens alone, without what stands in the lines. Definitions of the text hold only here. */
function blockTokens(text: string, known: Definitions): Token[] {
  const tokens: Token[] = [];
  // As the library's own first step does; positions stay the same but for "\r", which never comes here.
  markdown.block.parse(text, markdown, { references: { ...known.references } }, tokens);
  return tokens;
}

/** The line in which the last item of a list begins, or the last row of a table; 0 = there is but one. */
function lastPart(tokens: readonly Token[], last: Token): number {
  const level = last.level + 1;
  const type = last.type === 'table_open' ? 'tr_open' : 'list_item_open';
  const from = tokens.indexOf(last);
  const parts = tokens
    .slice(from)
    .filter(
      (token) =>
        token.type === type && (type === 'tr_open' ? token.level === level + 1 : token.level === level),
    );
  const start = parts.at(-1)?.map?.[0] ?? 0;
  // Rows of the head, and the first of the body, stay together.
  return parts.length > (type === 'tr_open' ? 2 : 1) && start > (last.map?.[0] ?? 0) ? start : 0;
}

/** Where a block without a seam is cut: behind a line, or a word. 0 = nowhere. */
function anyCut(text: string): number {
  const line = text.lastIndexOf('\n', text.length - 2);
  if (line > text.length / 2) {
    return line + 1;
  }
  const word = text.lastIndexOf(' ', text.length - 2);
  return word > text.length / 2 ? word + 1 : text.length;
}

/** `text`: what follows the finished blocks so far. Without "\r". */
export function cutTail(text: string, known: Definitions): Tail {
  const tokens = blockTokens(text, known);
  const tops = tokens.filter(({ level, nesting }) => level === 0 && nesting >= 0);
  const last = tops.at(-1);
  if (last?.map == null) {
    return { finished: [], openFence: null, repeat: '' };
  }
  const starts = lineStarts(text);
  const at = (line: number): number => starts[Math.min(line, starts.length - 1)] ?? text.length;
  const borders = tops.slice(1).map(({ map }) => at(map?.[0] ?? 0));
  let repeat = '';
  const lastStart = at(last.map[0]);
  const length = text.length - lastStart;
  if (last.type !== 'fence' && length > longBlock) {
    const isPart = last.type === 'table_open' || last.type.endsWith('_list_open');
    const part = isPart ? lastPart(tokens, last) : 0;
    if (part > 0) {
      borders.push(at(part));
      repeat = last.type === 'table_open' ? text.slice(lastStart, at(last.map[0] + 2)) : '';
    } else if (length > hugeBlock) {
      borders.push(lastStart + anyCut(text.slice(lastStart)));
    }
  }
  const edges = [0, ...borders.filter((border) => border > 0)];
  const finished = edges.slice(1).map((edge, i) => edge - (edges[i] ?? 0));
  const openFence = last.type === 'fence' ? { info: last.info, content: last.content } : null;
  return { finished, openFence, repeat };
}
