/** What stands behind `is`. */
import { plain } from '../marks';
import type { TextSearch } from './text';
import {
  Callable,
  compare,
  fault,
  Float,
  isDict,
  isEqual,
  isList,
  itemsOf,
  hasKey,
  Lazy,
  numberOf,
  Tuple,
  typeName,
  type Value,
} from './values';

type Test = (value: Value, argument: Value, search: TextSearch) => boolean;

function whole(value: Value): number {
  const number = numberOf(value);
  return number ?? fault(`${typeName(value)} is no number`);
}

/** Python's `needle in hay`. */
export function isIn(needle: Value, hay: Value, search: TextSearch): boolean {
  if (typeof hay === 'string') {
    return typeof needle === 'string'
      ? search.includes(hay, needle)
      : fault(`'in <string>' requires a string, not ${typeName(needle)}`);
  }
  if (isDict(hay)) {
    return typeof needle === 'string' && hasKey(hay, needle);
  }
  return itemsOf(hay).some((item) => isEqual(item, needle));
}

export const tests: Readonly<Record<string, Test>> = {
  defined: (value) => value !== undefined,
  undefined: (value) => value === undefined,
  none: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  true: (value) => value === true,
  false: (value) => value === false,
  integer: (value) => typeof value === 'number',
  float: (value) => value instanceof Float,
  number: (value) => numberOf(value) !== undefined,
  string: (value) => typeof value === 'string',
  mapping: isDict,
  sequence: (value) => typeof value === 'string' || isList(value) || value instanceof Tuple || isDict(value),
  iterable: (value) =>
    value === undefined ||
    typeof value === 'string' ||
    isList(value) ||
    value instanceof Tuple ||
    value instanceof Lazy ||
    isDict(value),
  callable: (value) => value instanceof Callable,
  odd: (value) => Math.abs(whole(value)) % 2 === 1,
  even: (value) => whole(value) % 2 === 0,
  divisibleby: (value, by) => whole(value) % whole(by) === 0,
  lower: (value) =>
    typeof value === 'string' &&
    plain(value) === plain(value).toLowerCase() &&
    plain(value) !== plain(value).toUpperCase(),
  upper: (value) =>
    typeof value === 'string' &&
    plain(value) === plain(value).toUpperCase() &&
    plain(value) !== plain(value).toLowerCase(),
  in: isIn,
  sameas: (value, other) => value === other,
  eq: isEqual,
  ne: (value, other) => !isEqual(value, other),
  lt: (value, other) => compare(value, other) < 0,
  le: (value, other) => compare(value, other) <= 0,
  gt: (value, other) => compare(value, other) > 0,
  ge: (value, other) => compare(value, other) >= 0,
};

const others: Readonly<Record<string, string>> = {
  equalto: 'eq',
  '==': 'eq',
  '!=': 'ne',
  lessthan: 'lt',
  '<': 'lt',
  '<=': 'le',
  greaterthan: 'gt',
  '>': 'gt',
  '>=': 'ge',
};

export function testNamed(name: string): Test {
  const known = Object.hasOwn(others, name) ? others[name] : name;
  return known !== undefined && Object.hasOwn(tests, known)
    ? (tests[known] as Test)
    : fault(`there is no test "${name}"`);
}
