/** Ranges of code points as sequences of ranges of bytes, which is how tokens see them. */

export type ByteRange = readonly [number, number];

const lastOfLength = [0x7f, 0x7ff, 0xffff, 0x10ffff] as const;
const surrogates = [0xd800, 0xdfff] as const;
const lastPoint = 0x10ffff;

function bytesOf(point: number): readonly number[] {
  return [...Buffer.from(String.fromCodePoint(point))];
}

/** `from` and `to` have equally many bytes. Cut where continuation bytes begin and end, so that every piece is a product of ranges. */
function ofOneLength(from: number, to: number): ByteRange[][] {
  const length = bytesOf(from).length;
  for (let i = 1; i < length; i += 1) {
    const mask = (1 << (6 * i)) - 1;
    if ((from & ~mask) !== (to & ~mask)) {
      if ((from & mask) !== 0) {
        return [...ofOneLength(from, from | mask), ...ofOneLength((from | mask) + 1, to)];
      }
      if ((to & mask) !== mask) {
        return [...ofOneLength(from, (to & ~mask) - 1), ...ofOneLength(to & ~mask, to)];
      }
    }
  }
  const last = bytesOf(to);
  return [bytesOf(from).map((byte, i) => [byte, last[i] ?? byte] as const)];
}

/** All characters from `from` to `to`, surrogates left out: each entry is one byte range after the other. */
export function utf8Sequences(from: number, to: number): ByteRange[][] {
  if (from > to) {
    return [];
  }
  if (from <= surrogates[1] && to >= surrogates[0]) {
    return [...utf8Sequences(from, surrogates[0] - 1), ...utf8Sequences(surrogates[1] + 1, to)];
  }
  const border = lastOfLength.find((last) => from <= last && to > last);
  return border === undefined
    ? ofOneLength(from, to)
    : [...utf8Sequences(from, border), ...utf8Sequences(border + 1, to)];
}

/** Sorted and joined; the characters that lie in none of them when `except`. */
export function normalRanges(
  ranges: readonly (readonly [number, number])[],
  except: boolean,
): [number, number][] {
  const joined: [number, number][] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last[1] + 1) {
      last[1] = Math.max(last[1], to);
    } else {
      joined.push([from, to]);
    }
  }
  if (!except) {
    return joined;
  }
  const others: [number, number][] = [];
  let next = 0;
  for (const [from, to] of joined) {
    if (from > next) {
      others.push([next, from - 1]);
    }
    next = to + 1;
  }
  return next <= lastPoint ? [...others, [next, lastPoint]] : others;
}
