/**
 * Whole lines of a text, as grammars let them be said: where they begin and end, and, where what is said has to name one place, from where on it
 * does. Costs are tokens, of the vocabulary that the text is said with.
 */
import type { Costs, Node } from './nodes';

const lineFeed = 10;

/** Where a run of lines that begins at a place has named it. */
interface Certain {
  /** A line's end: the run may end there, and at every later one. */
  readonly end: number;
  /** Tokens that it takes at least to get from `from` + i to `end`. */
  readonly costs: ArrayLike<number>;
  readonly from: number;
}

/** A text of which whole lines may be said. */
export interface Lines {
  readonly bytes: Uint8Array;
  /** [bytes.length + 1]: tokens that it takes at least to get from there to the end of the line. */
  readonly costs: Float64Array;
  /** Lines of a run. */
  readonly most: number;
  /** Where runs may begin. */
  readonly starts: readonly number[];
  /** By where a run began; absent = a run may end with any line. */
  readonly certain?: ReadonlyMap<number, Certain>;
  /** What stands before and behind each run, where there may be any number of them; absent = there is one. */
  readonly piece?: { readonly begin: Node; readonly then: Node };
}

export const isLineEnd = ({ bytes }: Pick<Lines, 'bytes'>, at: number): boolean =>
  at === bytes.length || bytes[at] === lineFeed;

/** [lines]: where each begins; the empty one behind a last line end is none. */
function startsOf(bytes: Uint8Array): number[] {
  const starts: number[] = [];
  for (let start = 0; start < bytes.length;) {
    starts.push(start);
    const found = bytes.indexOf(lineFeed, start);
    start = found < 0 ? bytes.length : found + 1;
  }
  return starts;
}

function endOf(bytes: Uint8Array, start: number): number {
  const found = bytes.indexOf(lineFeed, start);
  return found < 0 ? bytes.length : found;
}

const isBlank = (line: Uint8Array): boolean => line.every((byte) => byte === 32 || (byte >= 9 && byte <= 13));

/**
 * [lines]: how many lines a run from there must have at least to stand at one place of the text alone, and not to be blank; Infinity where none
 * of up to `most` lines does.
 */
function leastRuns(lines: readonly Uint8Array[], most: number): number[] {
  const least = lines.map(() => Infinity);
  const numbers = new Map<string, number>();
  const ids = lines.map((line) => {
    const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('latin1');
    const id = numbers.get(text) ?? numbers.size;
    numbers.set(text, id);
    return id;
  });
  /** Runs that are not alone yet, and which of them are alike so far. */
  let open = lines.map((_, start) => ({ start, group: 0, blank: true }));
  for (let count = 1; open.length > 0 && count <= most; count += 1) {
    const groups = new Map<string, number>();
    const sizes: number[] = [];
    const longer = open.flatMap(({ start, group, blank }) => {
      const last = start + count - 1;
      if (last >= lines.length) {
        return [];
      }
      const key = `${String(group)},${String(ids[last])}`;
      const next = groups.get(key) ?? groups.size;
      groups.set(key, next);
      sizes[next] = (sizes[next] ?? 0) + 1;
      return [{ start, group: next, blank: blank && isBlank(lines[last] ?? lines[0] ?? new Uint8Array()) }];
    });
    open = longer.filter(({ start, group, blank }) => {
      const isAlone = sizes[group] === 1 && !blank;
      if (isAlone) {
        least[start] = count;
      }
      return !isAlone;
    });
  }
  return least;
}

/** `unique`: runs that name one place alone. `most`: lines of a run. */
export function readLines(
  bytes: Uint8Array,
  literal: Costs['literal'],
  { unique, most }: { readonly unique: boolean; readonly most: number },
): Lines {
  const costs = new Float64Array(bytes.length + 1);
  const starts = startsOf(bytes);
  for (const start of starts) {
    costs.set(Float64Array.from(literal(bytes.subarray(start, endOf(bytes, start)))), start);
  }
  if (!unique) {
    return { bytes, costs, most, starts };
  }
  const least = leastRuns(
    starts.map((start) => bytes.subarray(start, endOf(bytes, start))),
    most,
  );
  const ends = new Map<number, number[]>();
  starts.forEach((start, line) => {
    const last = starts[line + (least[line] ?? Infinity) - 1];
    if (last !== undefined) {
      const end = endOf(bytes, last);
      const known = ends.get(end) ?? [];
      known.push(start);
      ends.set(end, known);
    }
  });
  const certain = new Map<number, Certain>();
  for (const [end, from] of ends) {
    const first = Math.min(...from);
    const known = { end, from: first, costs: literal(bytes.subarray(first, end)) };
    from.forEach((start) => certain.set(start, known));
  }
  return { bytes, costs, most, starts: starts.filter((start) => certain.has(start)), certain };
}

/** Whether any lines of the text stand at one place of it alone. */
export function hasPlaces(text: string, most: number): boolean {
  const bytes = Buffer.from(text);
  const lines = startsOf(bytes).map((start) => bytes.subarray(start, endOf(bytes, start)));
  return leastRuns(lines, most).some((least) => least < Infinity);
}

/** `said`: bytes of the run so far; the next one stands at `place`. */
export function mayEndAt(lines: Lines, place: number, said: number): boolean {
  return isLineEnd(lines, place) && place >= (lines.certain?.get(place - said)?.end ?? 0);
}

/** Where the run may end first. */
export function nearestEnd(lines: Lines, place: number, said: number): number {
  const certain = lines.certain?.get(place - said)?.end ?? 0;
  return place < certain ? certain : endOf(lines.bytes, place);
}

/** Tokens that it takes at least to get there. */
export function costToEnd(lines: Lines, place: number, said: number): number {
  const certain = lines.certain?.get(place - said);
  return certain !== undefined && place < certain.end
    ? (certain.costs[place - certain.from] ?? Infinity)
    : (lines.costs[place] ?? Infinity);
}
