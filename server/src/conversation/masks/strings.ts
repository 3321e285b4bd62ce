/** Strings of JSON as grammars. */
import { characters, choice, repeat, sequence, text, type Expression } from '../../grammar/grammar';

const hex = characters('0-9a-fA-F');
/** Halves of surrogate pairs are left out: alone they are no text. */
const escape = sequence(
  text('\\'),
  choice(
    characters('"\\/bfnrt'),
    sequence(
      text('u'),
      choice(
        sequence(characters('0-9abcefABCEF'), repeat(hex, 3, 3)),
        sequence(characters('dD'), characters('0-7'), repeat(hex, 2, 2)),
      ),
    ),
  ),
);
const control = [0, 0x1f] as const;
const plain: Expression = {
  kind: 'character',
  ranges: [control, [0x22, 0x22], [0x5c, 0x5c], [0x7f, 0x9f]],
  except: true,
};
/** One character of a string's value, as it is written. */
export const stringCharacter = choice(plain, escape);

export const quoted = (inner: Expression): Expression => sequence(text('"'), inner, text('"'));
/** Characters that need no escape, for keys. */
export const plainString = (least: number, most: number): Expression => quoted(repeat(plain, least, most));

const digit = characters('0-9');
const two = (first: string, second: string): Expression => sequence(characters(first), characters(second));
const day = choice(two('0', '1-9'), two('1', '0-9'), two('2', '0-8')); // every month has these
const month = choice(two('0', '1-9'), two('1', '0-2'));
const date = sequence(characters('12'), repeat(digit, 3, 3), text('-'), month, text('-'), day);
const sixty = two('0-5', '0-9');
const time = sequence(
  choice(two('01', '0-9'), two('2', '0-3')),
  text(':'),
  sixty,
  text(':'),
  sixty,
  text('Z'),
);
const lowHex = characters('0-9a-f');
const label = repeat(characters('a-z0-9'), 1, 32);

/** Formats that can be generated: never wrong, though not all that a format allows. */
export const formats: Readonly<Record<string, Expression>> = {
  date,
  time,
  'date-time': sequence(date, text('T'), time),
  uuid: sequence(repeat(lowHex, 8, 8), ...[4, 4, 4, 12].flatMap((n) => [text('-'), repeat(lowHex, n, n)])),
  email: sequence(label, text('@'), label, text('.'), repeat(characters('a-z'), 2, 8)),
};
