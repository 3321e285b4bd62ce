/** Texts and edits at random, with everything in them that counting units can get wrong. */
import type { TextEdit } from '#protocol';
import type { Random } from '../../support/random';

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)] as T;
}

const pieces = [
  ...['a', 'b', 'foo', 'x1', ' ', '  ', '\t', '{', '}', '(', ');', '\n', '\n', '\n', '\r\n', '\r\n', '\r'],
  ...['\u{1F600}', '\u{1F601}', '\ud83d', '\ude00', 'é', '\u2028', '\f', '\u0000', '\ufeff', '\u0085'],
];

export function randomText(random: Random, most: number): string {
  return Array.from({ length: random.below(most + 1) }, () => pick(random, pieces)).join('');
}

/** Ascending and apart, some touching, some empty. */
export function randomEdits(random: Random, length: number, most: number, widest = length): TextEdit[] {
  const offsets = Array.from({ length: 2 * random.below(most + 1) }, () => random.below(length + 1));
  offsets.sort((a, b) => a - b);
  return Array.from({ length: offsets.length / 2 }, (_, i) => {
    const start = offsets[2 * i] ?? 0;
    const end = Math.min(offsets[2 * i + 1] ?? 0, start + widest);
    const isInsertion = random.below(3) === 0;
    return {
      start,
      end: isInsertion ? start : end,
      text: random.below(4) === 0 ? '' : randomText(random, 3),
    };
  });
}

/** The numbers from 0, in an order at random. */
export function shuffled(random: Random, length: number): number[] {
  const list = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [list[i], list[j]] = [list[j] ?? 0, list[i] ?? 0];
  }
  return list;
}
