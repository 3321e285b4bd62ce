/** Parses in slices, so that nobody has to wait for a file, and goes on from the tree of an earlier text. */
import type { Edit, Parser, Point, Tree } from '@vscode/tree-sitter-wasm';

/** Longest time in one piece. The parser looks at the clock between a few hundred steps of its own. */
const sliceMs = 3;
/** Of parsing in all, after which a text is given up. */
const mostMs = 1_000;

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Undefined when `isOver` says that nobody wants it any more, or when it takes too long. */
export async function parseInSlices(
  parser: Parser,
  text: string,
  base: Tree | undefined,
  isOver: () => boolean,
): Promise<Tree | undefined> {
  let spent = 0;
  for (;;) {
    const started = performance.now();
    const progressCallback = (): boolean => performance.now() - started > sliceMs;
    const tree = parser.parse(text, base ?? null, { progressCallback });
    if (tree !== null) {
      return tree;
    }
    spent += performance.now() - started;
    if (spent > mostMs) {
      parser.reset();
      return undefined;
    }
    await nextTurn();
    if (isOver()) {
      parser.reset();
      return undefined;
    }
  }
}

function pointAt(text: string, offset: number): Point {
  let row = 0;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    row += 1;
    lineStart = at + 1;
  }
  return { row, column: offset - lineStart };
}

/** The one edit that makes `before` into `after`: what they share at their beginnings and ends is left out. */
export function editBetween(before: string, after: string): Edit {
  const most = Math.min(before.length, after.length);
  let startIndex = 0;
  while (startIndex < most && before.charCodeAt(startIndex) === after.charCodeAt(startIndex)) {
    startIndex += 1;
  }
  let oldEndIndex = before.length;
  let newEndIndex = after.length;
  while (
    oldEndIndex > startIndex &&
    newEndIndex > startIndex &&
    before.charCodeAt(oldEndIndex - 1) === after.charCodeAt(newEndIndex - 1)
  ) {
    oldEndIndex -= 1;
    newEndIndex -= 1;
  }
  return {
    startIndex,
    oldEndIndex,
    newEndIndex,
    startPosition: pointAt(before, startIndex),
    oldEndPosition: pointAt(before, oldEndIndex),
    newEndPosition: pointAt(after, newEndIndex),
  };
}
