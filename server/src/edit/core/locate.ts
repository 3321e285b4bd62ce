/**
 * Where quoted lines stand in a file: exactly, or but for indentation and trailing white space. Nothing fuzzier is tried: a quote that is off by more is
 * as often of another place that looks like it.
 */
import type { LineRange } from '#protocol';
import { contentOf, IndentMap, isBlank } from './indentation';

export interface Place {
  readonly start: number;
  /** How indentations of the quote are those of the file; undefined = it stands there exactly. */
  readonly indents: IndentMap | undefined;
}

export interface Quote {
  readonly lines: readonly string[];
  /** One step of indentation of its author; undefined = not known. */
  readonly step: string | undefined;
}

export interface Where {
  /** The file's, without their ends. */
  readonly lines: readonly string[];
  /** The same without white space around them. */
  readonly contents: readonly string[];
  /** The part in which the quote must lie. */
  readonly range: LineRange;
  /** One step of the file's indentation; undefined = not known. */
  readonly step: string | undefined;
}

/** Where all of the wanted lines follow one another; one more than `most` at most. By the way of Knuth, Morris and Pratt: files of the same line again and again take no longer. */
function startsOf(
  wanted: readonly string[],
  lines: readonly string[],
  { start, end }: LineRange,
  most: number,
): number[] {
  // [n]: how many lines at the end of the first n + 1 are those at the beginning, too.
  const borders = [0];
  for (let at = 1, same = 0; at < wanted.length; at += 1) {
    while (same > 0 && wanted[same] !== wanted[at]) {
      same = borders[same - 1] ?? 0;
    }
    same += wanted[same] === wanted[at] ? 1 : 0;
    borders.push(same);
  }
  const starts: number[] = [];
  for (let at = start, same = 0; at < end && starts.length <= most; at += 1) {
    while (same > 0 && wanted[same] !== lines[at]) {
      same = borders[same - 1] ?? 0;
    }
    same += wanted[same] === lines[at] ? 1 : 0;
    if (same === wanted.length) {
      starts.push(at + 1 - same);
      same = borders[same - 1] ?? 0;
    }
  }
  return starts;
}

/** More need not be told apart, and would take long; but for white space each place is looked at line by line. */
const mostPlaces = { exact: 1000, loose: 100 };

/** All places, ascending; those that are exact, where there are any. They may overlap. 'many': too many to look at. */
export function placesOf(quote: Quote, { lines, contents, range, step }: Where): readonly Place[] | 'many' {
  if (quote.lines.length === 0) {
    return [];
  }
  const exact = startsOf(quote.lines, lines, range, mostPlaces.exact);
  if (exact.length > mostPlaces.exact) {
    return 'many';
  }
  if (exact.length > 0 || quote.lines.every((line) => isBlank(line))) {
    return exact.map((start) => ({ start, indents: undefined }));
  }
  const starts = startsOf(
    quote.lines.map((line) => contentOf(line)),
    contents,
    range,
    mostPlaces.loose,
  );
  return starts.length > mostPlaces.loose
    ? 'many'
    : starts.flatMap((start) => {
        const there = lines.slice(start, start + quote.lines.length);
        const indents = IndentMap.of(quote.lines, there, { theirs: quote.step, ours: step });
        return indents === undefined ? [] : [{ start, indents }];
      });
}

/**
 * One place for each quote, in the order of the quotes and apart, where there is exactly one such choice; undefined where there is none or more.
 * The first choice that fits from the front and the one from the back bound all others: where they are the same, there is no other.
 */
export function onlyInOrder(
  candidates: readonly (readonly Place[])[],
  lengths: readonly number[],
): readonly Place[] | undefined {
  const first: Place[] = [];
  let free = 0;
  for (const [index, places] of candidates.entries()) {
    const place = places.find(({ start }) => start >= free);
    if (place === undefined) {
      return undefined;
    }
    first.push(place);
    free = place.start + (lengths[index] ?? 0);
  }
  let end = Number.POSITIVE_INFINITY;
  for (let index = candidates.length - 1; index >= 0; index -= 1) {
    const length = lengths[index] ?? 0;
    const bound = end;
    const place = candidates[index]?.findLast(({ start }) => start + length <= bound);
    if (place === undefined || place.start !== first[index]?.start) {
      return undefined;
    }
    end = place.start;
  }
  return first;
}
