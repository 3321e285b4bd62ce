/** Cuts a file into pieces that mean something by themselves: functions, classes, groups of statements. */
import type { Node, Tree } from '@vscode/tree-sitter-wasm';

/** Lines count from 0. */
export interface Chunk {
  readonly startLine: number;
  /** Exclusive. */
  readonly endLine: number;
}

export interface ChunkOptions {
  /** A class or function that is longer is cut into what it holds; what cannot be cut is cut by lines. */
  readonly maxLines: number;
  /** Neighbours are put together as long as they have no more lines. */
  readonly joinLines: number;
}

export const defaultChunkOptions: ChunkOptions = { maxLines: 60, joinLines: 12 };

/** Cuts [start, end) into pieces of at most `most` lines, as equal as can be. */
function byLines(start: number, end: number, most: number): Chunk[] {
  const count = Math.ceil((end - start) / most);
  return Array.from({ length: count }, (_, i) => ({
    startLine: start + Math.floor(((end - start) * i) / count),
    endLine: start + Math.floor(((end - start) * (i + 1)) / count),
  }));
}

/** The lines where the children of `node` begin; a comment belongs to what it stands above. */
function startsOf(node: Node): number[] {
  const starts: number[] = [];
  let comment = -1;
  for (const child of node.namedChildren) {
    const row = child?.startPosition.row ?? 0;
    if (child !== null && /comment|decorator|attribute/.test(child.type)) {
      comment = comment < 0 ? row : comment;
    } else {
      starts.push(comment < 0 ? row : comment);
      comment = -1;
    }
  }
  return starts;
}

/** The descendant with the most children that begin in lines of their own: a class's or a function's body. */
function bodyOf(node: Node): Node | undefined {
  const candidates = node.namedChildren.filter((child) => child !== null);
  const largest = candidates.sort((a, b) => rows(b) - rows(a))[0];
  if (largest === undefined || rows(largest) < 3) {
    return undefined;
  }
  return largest.namedChildCount > 1 ? largest : bodyOf(largest);
}

function rows(node: Node): number {
  return node.endPosition.row - node.startPosition.row + 1;
}

function cut(node: Node, start: number, end: number, { maxLines }: ChunkOptions, depth: number): Chunk[] {
  if (end - start <= maxLines) {
    return [{ startLine: start, endLine: end }];
  }
  const children = node.namedChildren.filter((child) => child !== null);
  const starts = [...new Set(startsOf(node))].filter((row) => row > start && row < end);
  if (depth > 12 || starts.length === 0) {
    const body = depth > 12 ? undefined : bodyOf(node);
    return body === undefined
      ? byLines(start, end, maxLines)
      : cut(body, start, end, { maxLines, joinLines: 0 }, depth + 1);
  }
  const borders = [start, ...starts, end];
  return borders.slice(0, -1).flatMap((from, i) => {
    const to = borders[i + 1] as number;
    const inside = children.find(
      ({ startPosition, endPosition }) =>
        startPosition.row >= from &&
        endPosition.row < to + 1 &&
        endPosition.row - startPosition.row > maxLines / 2,
    );
    return inside === undefined
      ? byLines(from, to, maxLines)
      : cut(bodyOf(inside) ?? inside, from, to, { maxLines, joinLines: 0 }, depth + 1);
  });
}

function join(chunks: readonly Chunk[], most: number): Chunk[] {
  const joined: Chunk[] = [];
  for (const chunk of chunks) {
    const previous = joined[joined.length - 1];
    if (previous !== undefined && chunk.endLine - previous.startLine <= most) {
      joined[joined.length - 1] = { startLine: previous.startLine, endLine: chunk.endLine };
    } else {
      joined.push(chunk);
    }
  }
  return joined;
}

export function chunksOfTree(tree: Tree, lines: number, options: ChunkOptions): Chunk[] {
  const root = tree.rootNode;
  const starts = [...new Set(startsOf(root))].filter((row) => row > 0);
  const borders = [0, ...starts, lines];
  const children = root.namedChildren.filter((child) => child !== null);
  const chunks = borders.slice(0, -1).flatMap((from, i) => {
    const to = borders[i + 1] as number;
    const inside = children.find(
      ({ startPosition, endPosition }) =>
        startPosition.row >= from && endPosition.row < to && endPosition.row - startPosition.row > 2,
    );
    return inside === undefined
      ? byLines(from, to, options.maxLines)
      : cut(bodyOf(inside) ?? inside, from, to, options, 0);
  });
  return join(
    chunks.filter(({ startLine, endLine }) => endLine > startLine),
    options.joinLines,
  );
}

/** Without a tree: at lines that begin at the margin behind an empty one, and by size. */
export function chunksByIndentation(text: string, { maxLines, joinLines }: ChunkOptions): Chunk[] {
  const lines = text.split('\n');
  const borders = [0];
  for (let i = 1; i < lines.length; i += 1) {
    if (/^[^\s)\]}]/.test(lines[i] as string) && (lines[i - 1] as string).trim() === '') {
      borders.push(i);
    }
  }
  borders.push(lines.length);
  const chunks = borders.slice(0, -1).flatMap((from, i) => byLines(from, borders[i + 1] as number, maxLines));
  return join(chunks, joinLines);
}
