/** Methods of texts and dictionaries, those that change nothing: a template may not change what it is given. */
import { plain } from '../marks';
import { characters, compareText, isSpace, lengthOf, lineBreak, strip, type TextSearch } from './text';
import { Callable, fault, getKey, hasKey, isList, Tuple, type Keywords, type Value } from './values';

type Method<Of> = (self: Of, args: readonly Value[], keywords: Keywords, search: TextSearch) => Value;

function text(value: Value, what: string): string {
  return typeof value === 'string' ? value : fault(`${what} must be a text`);
}

function optionalText(value: Value): string | undefined {
  return value === undefined || value === null ? undefined : text(value, 'the argument');
}

function whole(value: Value, otherwise: number): number {
  return value === undefined || value === null
    ? otherwise
    : typeof value === 'number'
      ? value
      : fault('the argument must be an integer');
}

const anyOf = (value: Value, test: (pattern: string) => boolean): boolean => {
  const patterns = value instanceof Tuple ? value.items : [value];
  return patterns.some((pattern) => test(text(pattern, 'the argument')));
};

function words(self: string, most: number): string[] {
  const out: string[] = [];
  let rest = strip(self, undefined, true, false);
  while (plain(rest) !== '') {
    if (most >= 0 && out.length >= most) {
      return [...out, rest];
    }
    const items = characters(rest);
    const end = items.findIndex((item) => isSpace(plain(item)));
    out.push(items.slice(0, end < 0 ? undefined : end).join(''));
    rest = end < 0 ? '' : strip(items.slice(end).join(''), undefined, true, false);
  }
  return out;
}

export function joined(parts: readonly string[], separator: string, search: TextSearch): string {
  search.allow(parts.reduce((sum, part) => sum + part.length + separator.length, 0));
  return parts.join(separator);
}

export function replaceText(
  self: string,
  old: string,
  replacement: string,
  most: number,
  search: TextSearch,
): string {
  if (plain(old) === '') {
    const items = characters(self);
    const places = most < 0 ? items.length + 1 : most;
    search.allow(self.length + Math.min(places, items.length + 1) * replacement.length);
    return (
      items.map((item, i) => (i < places ? replacement : '') + item).join('') +
      (places > items.length ? replacement : '')
    );
  }
  return joined(search.split(self, old, most), replacement, search);
}

export function titled(self: string): string {
  let inWord = false;
  return characters(self)
    .map((item) => {
      const cased = /\p{L}/u.test(plain(item));
      const out = cased ? (inWord ? item.toLowerCase() : item.toUpperCase()) : item;
      inWord = cased;
      return out;
    })
    .join('');
}

export function capitalized(self: string): string {
  return characters(self)
    .map((item, i) => (i === 0 ? item.toUpperCase() : item.toLowerCase()))
    .join('');
}

const every =
  (pattern: RegExp): Method<string> =>
  (self) =>
    plain(self) !== '' && pattern.test(plain(self));

function padded(side: 'left' | 'right' | 'both'): Method<string> {
  return (self, [width, fill]) => {
    const missing = Math.max(0, Math.min(whole(width, 0), 10_000) - lengthOf(self));
    const left =
      side === 'left'
        ? missing
        : side === 'right'
          ? 0
          : Math.floor(missing / 2) + (missing & whole(width, 0) & 1);
    const with_ = optionalText(fill) ?? ' ';
    return with_.repeat(left) + self + with_.repeat(missing - left);
  };
}

const ofText: Readonly<Record<string, Method<string>>> = {
  upper: (self) => self.toUpperCase(),
  lower: (self) => self.toLowerCase(),
  title: titled,
  capitalize: capitalized,
  strip: (self, [set]) => strip(self, optionalText(set), true, true),
  lstrip: (self, [set]) => strip(self, optionalText(set), true, false),
  rstrip: (self, [set]) => strip(self, optionalText(set), false, true),
  startswith: (self, [pattern], _, search) => anyOf(pattern, (one) => search.startsWith(self, one)),
  endswith: (self, [pattern], _, search) => anyOf(pattern, (one) => search.endsWith(self, one)),
  split: (self, [separator, most], keywords, search) => {
    const by = optionalText(separator ?? keywords.get('sep'));
    const limit = whole(most ?? keywords.get('maxsplit'), -1);
    if (by !== undefined && plain(by) === '') {
      return fault('empty separator');
    }
    return by === undefined ? words(self, limit) : search.split(self, by, limit);
  },
  rsplit: (self, [separator, most], keywords, search) => {
    const by = optionalText(separator ?? keywords.get('sep'));
    const limit = whole(most ?? keywords.get('maxsplit'), -1);
    const parts = by === undefined ? words(self, -1) : search.split(self, by);
    const first = parts.length - limit;
    return limit < 0 || first <= 1 ? parts : [parts.slice(0, first).join(by ?? ' '), ...parts.slice(first)];
  },
  splitlines: (self) => {
    const parts = self.split(lineBreak);
    return plain(parts.at(-1) ?? '') === '' ? parts.slice(0, -1) : parts;
  },
  replace: (self, [old, replacement, most], keywords, search) =>
    replaceText(
      self,
      text(old, 'what is replaced'),
      text(replacement, 'what it is replaced with'),
      whole(most ?? keywords.get('count'), -1),
      search,
    ),
  join: (self, [items], _, search) =>
    joined(
      (isList(items) ? items : items instanceof Tuple ? items.items : fault('only a list can be joined')).map(
        (item) => text(item, 'what is joined'),
      ),
      self,
      search,
    ),
  find: (self, [pattern], _, search) => search.indexOf(self, text(pattern, 'what is looked for')),
  rfind: (self, [pattern], _, search) => search.indexOf(self, text(pattern, 'what is looked for'), true),
  index: (self, [pattern], _, search) => {
    const at = search.indexOf(self, text(pattern, 'what is looked for'));
    return at < 0 ? fault('substring not found') : at;
  },
  count: (self, [pattern], _, search) => search.split(self, text(pattern, 'what is counted')).length - 1,
  removeprefix: (self, [pattern], _, search) => {
    const off = text(pattern, 'the prefix');
    return search.startsWith(self, off) ? characters(self).slice(lengthOf(off)).join('') : self;
  },
  removesuffix: (self, [pattern], _, search) => {
    const off = text(pattern, 'the suffix');
    return plain(off) !== '' && search.endsWith(self, off)
      ? characters(self).slice(0, -lengthOf(off)).join('')
      : self;
  },
  partition: (self, [separator], _, search) => {
    const by = text(separator, 'the separator');
    const [head = '', ...rest] = search.split(self, by, 1);
    return new Tuple(rest.length === 0 ? [self, '', ''] : [head, plain(by), rest.join('')]);
  },
  zfill: (self, [width]) =>
    '0'.repeat(Math.max(0, Math.min(whole(width, 0), 10_000) - lengthOf(self))) + self,
  ljust: padded('right'),
  rjust: padded('left'),
  center: padded('both'),
  isdigit: every(/^\p{Nd}+$/u),
  isalpha: every(/^\p{L}+$/u),
  isalnum: every(/^[\p{L}\p{N}]+$/u),
  isspace: (self) => plain(self) !== '' && Array.from(plain(self)).every(isSpace),
  islower: (self) => self === self.toLowerCase() && self !== self.toUpperCase(),
  isupper: (self) => self === self.toUpperCase() && self !== self.toLowerCase(),
};

const ofDict: Readonly<Record<string, Method<ReadonlyMap<string, Value>>>> = {
  get: (self, [key, otherwise]) =>
    typeof key === 'string' && hasKey(self, key) ? getKey(self, key) : (otherwise ?? null),
  items: (self) => Array.from(self, ([key, item]) => new Tuple([key, item])),
  keys: (self) => [...self.keys()],
  values: (self) => [...self.values()],
  copy: (self) => new Map(self),
};

const own = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** undefined = there is none of this name. */
export function methodOf(self: Value, name: string, search: TextSearch): Callable | undefined {
  if (typeof self === 'string') {
    const method = own(ofText, name);
    return method && new Callable(name, (args, keywords) => method(self, args, keywords, search));
  }
  if (self instanceof Map) {
    const method = own(ofDict, name);
    return method && new Callable(name, (args, keywords) => method(self, args, keywords, search));
  }
  if (isList(self) && (name === 'index' || name === 'count')) {
    return new Callable(name, ([wanted]) => {
      const found = self.filter(
        (item) =>
          item === wanted ||
          (typeof item === 'string' && typeof wanted === 'string' && compareText(item, wanted) === 0),
      );
      return name === 'count'
        ? found.length
        : !self.includes(found[0])
          ? fault('it is not in the list')
          : self.indexOf(found[0]);
    });
  }
  return undefined;
}
