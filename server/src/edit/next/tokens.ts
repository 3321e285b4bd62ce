/** Texts as tokens, coarse enough for every language, and what is common to two lists of them. */

export interface Token {
  readonly text: string;
  /** Offset in the text that was cut. */
  readonly start: number;
}

const token = /[\p{L}_$][\p{L}\p{N}_$]*|\d[\w.]*|\s+|[^]/gu;
const word = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;

/** All of the text's characters, in order: words, numbers, runs of white space, single other characters. */
export function tokensOf(text: string): Token[] {
  return [...text.matchAll(token)].map((match) => ({ text: match[0], start: match.index }));
}

export function isWord(text: string): boolean {
  return word.test(text);
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** Cells of the table of a longest common subsequence: what is larger was generated, formatted or pasted. */
const mostCells = 1_000_000;

/**
 * The longest common subsequence of two lists, as pairs of indices in order; what both have in common at their ends is always in it.
 * Undefined where what differs is too long to be compared.
 */
export function commonPairs(
  a: readonly string[],
  b: readonly string[],
): (readonly [number, number])[] | undefined {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) {
    head += 1;
  }
  let tail = 0;
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  ) {
    tail += 1;
  }
  const rows = a.length - head - tail;
  const columns = b.length - head - tail;
  const width = columns + 1;
  if ((rows + 1) * width > mostCells) {
    return undefined;
  }
  const best = new Uint16Array((rows + 1) * width);
  const at = (i: number, j: number): number => best[i * width + j] as number;
  for (let i = rows - 1; i >= 0; i -= 1) {
    for (let j = columns - 1; j >= 0; j -= 1) {
      best[i * width + j] =
        a[head + i] === b[head + j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0; i < head; i += 1) {
    pairs.push([i, i]);
  }
  for (let i = 0, j = 0; i < rows && j < columns;) {
    if (a[head + i] === b[head + j]) {
      pairs.push([head + i, head + j]);
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      i += 1;
    } else {
      j += 1;
    }
  }
  for (let i = 0; i < tail; i += 1) {
    pairs.push([a.length - tail + i, b.length - tail + i]);
  }
  return pairs;
}

/** A run of what the one list has in the place of a run of the other; ends are not included. */
export interface Run {
  readonly startA: number;
  readonly endA: number;
  readonly startB: number;
  readonly endB: number;
}

/** What differs between two lists. Undefined where that is too long to be compared. */
export function runsBetween(a: readonly string[], b: readonly string[]): Run[] | undefined {
  const pairs = commonPairs(a, b);
  if (pairs === undefined) {
    return undefined;
  }
  const runs: Run[] = [];
  let [i, j] = [0, 0];
  for (const [nextA, nextB] of [...pairs, [a.length, b.length] as const]) {
    if (nextA > i || nextB > j) {
      runs.push({ startA: i, endA: nextA, startB: j, endB: nextB });
    }
    [i, j] = [nextA + 1, nextB + 1];
  }
  return runs;
}
