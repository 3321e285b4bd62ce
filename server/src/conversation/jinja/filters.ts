/** What stands behind `|`: Jinja2's filters, and tojson as chat templates know it (no HTML escapes, not only ASCII). */
import { plain } from '../marks';
import { capitalized, joined, replaceText, titled } from './methods';
import { characters, lengthOf, lineBreak, strip, type TextSearch } from './text';
import { testNamed } from './tests';
import {
  compare,
  fault,
  Float,
  isDict,
  isEqual,
  isList,
  isTrue,
  itemsOf,
  json,
  Lazy,
  numberOf,
  str,
  Tuple,
  typeName,
  type Keywords,
  type Value,
} from './values';

export interface FilterContext {
  readonly search: TextSearch;
  /** `value.name`, or its item of this key or number. */
  readonly attribute: (value: Value, name: Value) => Value;
  readonly filter: (name: string, value: Value, args: readonly Value[], keywords: Keywords) => Value;
}

type Filter = (value: Value, args: readonly Value[], keywords: Keywords, context: FilterContext) => Value;

/** The argument at this place or of this name. */
const argument = (args: readonly Value[], keywords: Keywords, at: number, name: string): Value =>
  args[at] === undefined ? keywords.get(name) : args[at];

function whole(value: Value, otherwise: number): number {
  const number = value === undefined || value === null ? otherwise : numberOf(value);
  return number ?? fault(`${typeName(value)} is no number`);
}

/** Loops go through texts by characters. */
export function loopItems(value: Value): readonly Value[] {
  return typeof value === 'string' ? characters(value) : itemsOf(value);
}

function lengthOfValue(value: Value): number {
  if (typeof value === 'string') {
    return lengthOf(value);
  }
  return isDict(value)
    ? value.size
    : isList(value) || value === undefined || value instanceof Tuple
      ? itemsOf(value).length
      : fault(`object of type '${typeName(value)}' has no len()`);
}

/** By a dotted name, 'a.0.b'. */
function path(name: Value, context: FilterContext): (value: Value) => Value {
  if (name === undefined || name === null) {
    return (value) => value;
  }
  const parts: Value[] =
    typeof name === 'string'
      ? name.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))
      : [name];
  return (value) => parts.reduce<Value>((at, part) => context.attribute(at, part), value);
}

const folded = (value: Value): Value => (typeof value === 'string' ? value.toLowerCase() : value);

function sorted(
  items: readonly Value[],
  key: (item: Value) => Value,
  caseSensitive: boolean,
  reverse: boolean,
): Value[] {
  const keyed = items.map((item) => {
    const value = key(item);
    return { item, key: caseSensitive ? value : folded(value) };
  });
  const by = (a: { key: Value }, b: { key: Value }): number => compare(a.key, b.key);
  return keyed.sort(reverse ? (a, b) => by(b, a) : by).map(({ item }) => item);
}

/** select, reject, selectattr, rejectattr. */
function selecting(keep: boolean, byAttribute: boolean): Filter {
  return (value, args, _, context) => {
    const [name, rest] = byAttribute ? [args[0], args.slice(1)] : [undefined, args];
    const test = rest[0] === undefined ? undefined : testNamed(str(rest[0]));
    const of = path(name, context);
    return new Lazy(
      loopItems(value).filter((item) => {
        const tested = of(item);
        return (test === undefined ? isTrue(tested) : test(tested, rest[1], context.search)) === keep;
      }),
    );
  };
}

const extreme =
  (sign: number): Filter =>
  (value, args, keywords, context) => {
    const key = path(argument(args, keywords, 1, 'attribute'), context);
    const caseSensitive = isTrue(argument(args, keywords, 0, 'case_sensitive'));
    return sorted(loopItems(value), key, caseSensitive, sign > 0)[0];
  };

function rounded(value: number, method: string, digits: number): number {
  const scale = 10 ** digits;
  const scaled = value * scale;
  if (method !== 'common') {
    return (method === 'ceil' ? Math.ceil(scaled) : Math.floor(scaled)) / scale;
  }
  // Halves go to the even neighbour.
  const down = Math.floor(scaled);
  const half = scaled - down;
  return (half < 0.5 || (half === 0.5 && down % 2 === 0) ? down : down + 1) / scale;
}

function asInteger(value: Value, otherwise: Value): Value {
  const number =
    typeof value === 'string'
      ? /^\s*[+-]?\d+(_\d+)*\s*$/.test(plain(value))
        ? Number(plain(value).replaceAll('_', ''))
        : Number.NaN
      : (numberOf(value) ?? Number.NaN);
  if (Number.isFinite(number)) {
    return Math.trunc(number);
  }
  const float = typeof value === 'string' ? asFloat(value, undefined) : undefined;
  return float instanceof Float ? Math.trunc(float.value) : otherwise;
}

function asFloat(value: Value, otherwise: Value): Value {
  const number =
    typeof value === 'string'
      ? plain(value).trim() === ''
        ? Number.NaN
        : Number(plain(value))
      : (numberOf(value) ?? Number.NaN);
  return Number.isNaN(number) ? otherwise : new Float(number);
}

const indented: Filter = (value, args, keywords, { search }) => {
  const width = argument(args, keywords, 0, 'width');
  const first = isTrue(argument(args, keywords, 1, 'first'));
  const blank = isTrue(argument(args, keywords, 2, 'blank'));
  const by = typeof width === 'string' ? width : ' '.repeat(Math.min(whole(width, 4), 1000));
  const lines = str(value).split(lineBreak);
  search.allow(lines.length * by.length);
  return lines
    .map((line, i) => ((i === 0 && !first) || (i > 0 && !blank && plain(line) === '') ? line : by + line))
    .join('\n');
};

function toJson(value: Value, args: readonly Value[], keywords: Keywords): string {
  const indent = argument(args, keywords, 1, 'indent');
  const separators = argument(args, keywords, 2, 'separators');
  const own = separators === undefined || separators === null ? undefined : itemsOf(separators).map(str);
  const spaces =
    typeof indent === 'string'
      ? indent
      : indent === undefined || indent === null
        ? undefined
        : ' '.repeat(Math.min(whole(indent, 0), 100));
  return json(value, {
    ensureAscii: isTrue(argument(args, keywords, 0, 'ensure_ascii')),
    indent: spaces,
    separators: [own?.[0] ?? (spaces === undefined ? ', ' : ','), own?.[1] ?? ': '],
    sortKeys: isTrue(argument(args, keywords, 3, 'sort_keys')),
  });
}

const htmlEscapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&#39;',
  '"': '&#34;',
};

const filters: Readonly<Record<string, Filter>> = {
  safe: str,
  string: str,
  tojson: toJson,
  length: lengthOfValue,
  trim: (value, args, keywords) => {
    const set = argument(args, keywords, 0, 'chars');
    return strip(str(value), typeof set === 'string' ? set : undefined, true, true);
  },
  upper: (value) => str(value).toUpperCase(),
  lower: (value) => str(value).toLowerCase(),
  title: (value) => titled(str(value)),
  capitalize: (value) => capitalized(str(value)),
  escape: (value) => str(value).replace(/[&<>'"]/g, (c) => htmlEscapes[c] ?? c),
  replace: (value, args, keywords, { search }) =>
    replaceText(
      str(value),
      str(argument(args, keywords, 0, 'old')),
      str(argument(args, keywords, 1, 'new')),
      whole(argument(args, keywords, 2, 'count'), -1),
      search,
    ),
  indent: indented,
  wordcount: (value) => (plain(str(value)).match(/[\p{L}\p{N}_]+/gu) ?? []).length,
  default: (value, args, keywords) => {
    const otherwise = argument(args, keywords, 0, 'default_value');
    const empty = isTrue(argument(args, keywords, 1, 'boolean')) && !isTrue(value);
    return value === undefined || empty ? (otherwise === undefined ? '' : otherwise) : value;
  },
  items: (value) =>
    value === undefined
      ? new Lazy([])
      : isDict(value)
        ? new Lazy(Array.from(value, ([key, item]) => new Tuple([key, item])))
        : fault('Can only get item pairs from a mapping.'),
  dictsort: (value, args, keywords) => {
    const by = argument(args, keywords, 1, 'by') === 'value' ? 1 : 0;
    const pairs = isDict(value)
      ? Array.from(value, (pair) => new Tuple(pair))
      : fault('only a dict can be sorted so');
    const key = (pair: Value): Value => (pair as Tuple).items[by];
    return sorted(
      pairs,
      key,
      isTrue(argument(args, keywords, 0, 'case_sensitive')),
      isTrue(argument(args, keywords, 2, 'reverse')),
    );
  },
  list: (value) => [...loopItems(value)],
  first: (value) => loopItems(value)[0],
  last: (value) =>
    value instanceof Lazy ? fault('what is yielded has no last item') : loopItems(value).at(-1),
  reverse: (value) =>
    typeof value === 'string'
      ? characters(value).reverse().join('')
      : new Lazy([...loopItems(value)].reverse()),
  sort: (value, args, keywords, context) =>
    sorted(
      loopItems(value),
      path(argument(args, keywords, 2, 'attribute'), context),
      isTrue(argument(args, keywords, 1, 'case_sensitive')),
      isTrue(argument(args, keywords, 0, 'reverse')),
    ),
  unique: (value, args, keywords, context) => {
    const key = path(argument(args, keywords, 1, 'attribute'), context);
    const caseSensitive = isTrue(argument(args, keywords, 0, 'case_sensitive'));
    const seen: Value[] = [];
    return new Lazy(
      loopItems(value).filter((item) => {
        const own = caseSensitive ? key(item) : folded(key(item));
        const isNew = !seen.some((other) => isEqual(other, own));
        seen.push(own);
        return isNew;
      }),
    );
  },
  join: (value, args, keywords, context) =>
    joined(
      loopItems(value)
        .map(path(argument(args, keywords, 1, 'attribute'), context))
        .map(str),
      str(argument(args, keywords, 0, 'd')),
      context.search,
    ),
  map: (value, args, keywords, context) => {
    const attribute = keywords.get('attribute');
    if (attribute !== undefined) {
      const of = path(attribute, context);
      return new Lazy(
        loopItems(value).map((item) => {
          const found = of(item);
          return found === undefined ? keywords.get('default') : found;
        }),
      );
    }
    const [name, ...rest] = args;
    return new Lazy(loopItems(value).map((item) => context.filter(str(name), item, rest, keywords)));
  },
  select: selecting(true, false),
  reject: selecting(false, false),
  selectattr: selecting(true, true),
  rejectattr: selecting(false, true),
  groupby: (value, args, keywords, context) => {
    const of = path(argument(args, keywords, 0, 'attribute'), context);
    const groups: { key: Value; items: Value[] }[] = [];
    for (const item of sorted(loopItems(value), of, false, false)) {
      const last = groups.at(-1);
      if (last !== undefined && isEqual(folded(last.key), folded(of(item)))) {
        last.items.push(item);
      } else {
        groups.push({ key: of(item), items: [item] });
      }
    }
    return groups.map(({ key, items }) => new Tuple([key, items]));
  },
  batch: (value, args, keywords) => {
    const size = Math.max(1, whole(argument(args, keywords, 0, 'linecount'), 1));
    const items = loopItems(value);
    return new Lazy(
      Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size)),
    );
  },
  sum: (value, args, keywords, context) => {
    const numbers = loopItems(value).map(path(argument(args, keywords, 0, 'attribute'), context));
    const sum = numbers.reduce<number>((total, item) => total + whole(item, Number.NaN), 0);
    return numbers.some((item) => item instanceof Float) ? new Float(sum) : sum;
  },
  min: extreme(-1),
  max: extreme(1),
  abs: (value) =>
    value instanceof Float ? new Float(Math.abs(value.value)) : Math.abs(whole(value, Number.NaN)),
  round: (value, args, keywords) =>
    new Float(
      rounded(
        whole(value, Number.NaN),
        str(argument(args, keywords, 1, 'method') ?? 'common'),
        whole(argument(args, keywords, 0, 'precision'), 0),
      ),
    ),
  int: (value, args, keywords) => asInteger(value, argument(args, keywords, 0, 'default') ?? 0),
  float: (value, args, keywords) => asFloat(value, argument(args, keywords, 0, 'default') ?? new Float(0)),
  attr: (value, [name], _, { attribute }) => (isDict(value) ? undefined : attribute(value, name)),
};

const others: Readonly<Record<string, string>> = {
  count: 'length',
  d: 'default',
  e: 'escape',
  forceescape: 'escape',
};

export function filterNamed(name: string): Filter {
  const known = Object.hasOwn(others, name) ? others[name] : name;
  return known !== undefined && Object.hasOwn(filters, known)
    ? (filters[known] as Filter)
    : fault(`there is no filter "${name}"`);
}
