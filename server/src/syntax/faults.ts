/** Where a text breaks the rules of its language, as its grammar sees it. */
import type { Node, Tree } from '@vscode/tree-sitter-wasm';

export interface Fault {
  /** From 0. */
  readonly line: number;
  /** A sentence. */
  readonly message: string;
}

/** Beyond so many, a text is no text of its language. */
const mostFaults = 200;
const longestShown = 40;

function shown(text: string): string {
  const line = text.split('\n')[0]?.trim() ?? '';
  return line.length > longestShown ? `${line.slice(0, longestShown)}…` : line;
}

function messageOf(node: Node): string {
  if (node.isMissing) {
    return `"${node.type}" is missing.`;
  }
  const text = shown(node.text);
  return text === '' ? 'Something is wrong here.' : `"${text}" cannot stand here.`;
}

/** In the order of the text; what is wrong within something that is wrong is not told apart. */
export function faultsOf(tree: Tree): Fault[] {
  const faults: Fault[] = [];
  const visit = (node: Node): void => {
    if (!node.hasError || faults.length >= mostFaults) {
      return;
    }
    if (node.isError || node.isMissing) {
      faults.push({ line: node.startPosition.row, message: messageOf(node) });
      return;
    }
    node.children.forEach((child) => {
      if (child !== null) {
        visit(child);
      }
    });
  };
  visit(tree.rootNode);
  return faults;
}

/**
 * Faults that a change adds: those of the new text that the old one has not got, where there are more of them than before. A fault is the same
 * where its message and its line's text are.
 */
export function addedFaults(
  before: readonly Fault[],
  oldLines: readonly string[],
  after: readonly Fault[],
  newLines: readonly string[],
): readonly Fault[] {
  if (after.length <= before.length) {
    return [];
  }
  const keyOf = ({ line, message }: Fault, lines: readonly string[]): string =>
    `${message}\n${lines[line]?.trim() ?? ''}`;
  const known = new Map<string, number>();
  for (const fault of before) {
    const key = keyOf(fault, oldLines);
    known.set(key, (known.get(key) ?? 0) + 1);
  }
  return after.filter((fault) => {
    const key = keyOf(fault, newLines);
    const left = known.get(key) ?? 0;
    known.set(key, left - 1);
    return left <= 0;
  });
}
