/**
 * Search/replace blocks in what a model said:
 *
 *     <<<<<<< SEARCH
 *     whole lines of the file
 *     =======
 *     what they become; nothing = they go
 *     >>>>>>> REPLACE
 *
 * Words and code fences around blocks are passed over. Markers begin their line; white space may follow; of the outer two there may be five to nine
 * signs, for the word behind them says what they are. The divider has exactly seven: other rows of "=" are headings in many files. A marker
 * where none belongs makes the answer refused as a whole, because then nobody knows which of them are the file's own.
 */
import { linesOf, withoutEnd } from '#protocol';

/** Lines without their ends. */
export interface Block {
  readonly search: readonly string[];
  readonly replacement: readonly string[];
}

export interface ParsedBlocks {
  /** Those that are finished, in their order. */
  readonly blocks: readonly Block[];
  /** What is wrong, a sentence; '' = nothing is. Then nothing of the answer may be applied. */
  readonly problem: string;
  /** The block that is being written; null = none is. `replacement` is null before the divider. */
  readonly open: {
    readonly search: readonly string[];
    readonly replacement: readonly string[] | null;
  } | null;
}

type Marker = 'search' | 'divider' | 'replace';

const markers: readonly (readonly [Marker, RegExp])[] = [
  ['search', /^<{5,9} ?SEARCH[ \t]*$/],
  ['divider', /^={7}[ \t]*$/],
  ['replace', /^>{5,9} ?REPLACE[ \t]*$/],
];

export function markerOf(line: string): Marker | undefined {
  return markers.find(([, pattern]) => pattern.test(line))?.[0];
}

/**
 * `ended`: the model has said all. Before that a line counts only with its end, and a block that is not finished is no problem. A problem that is
 * found before the end stays one, and blocks that were found stay as they are: more text takes nothing back but by a problem.
 */
export function parseBlocks(answer: string, ended: boolean): ParsedBlocks {
  const lines = linesOf(answer);
  const known = (ended ? lines : lines.slice(0, -1)).map((line) => withoutEnd(line));
  const blocks: Block[] = [];
  let search: string[] | undefined;
  let replacement: string[] | undefined;
  const named = (): string => `Block ${String(blocks.length + 1)}`;
  const state = (problem: string): ParsedBlocks => ({
    blocks,
    problem,
    open: search === undefined ? null : { search, replacement: replacement ?? null },
  });
  for (const [index, line] of known.entries()) {
    const marker = markerOf(line);
    const where = `line ${String(index + 1)} of the answer`;
    if (marker === undefined) {
      (replacement ?? search)?.push(line);
    } else if (marker === 'search') {
      if (search !== undefined) {
        return state(`${named()} is not finished where another begins, in ${where}.`);
      }
      search = [];
    } else if (search === undefined) {
      return state(
        `There is ${marker === 'divider' ? 'a divider' : 'an end of a block'} outside a block, in ${where}.`,
      );
    } else if (marker === 'divider') {
      if (replacement !== undefined) {
        return state(`${named()} has a second divider, in ${where}: which one divides it is not certain.`);
      }
      replacement = [];
    } else if (replacement === undefined) {
      return state(`${named()} ends without a divider, in ${where}.`);
    } else {
      blocks.push({ search, replacement });
      search = replacement = undefined;
    }
  }
  if (!ended) {
    return state('');
  }
  if (search !== undefined) {
    return state(`${named()} is not finished.`);
  }
  return state(blocks.length === 0 ? 'There is no block in the answer.' : '');
}
