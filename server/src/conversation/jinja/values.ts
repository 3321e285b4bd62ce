/** Values of a template, with Python's meaning: what is true, what is equal, how they are written. */
import { anyMark, hasMarks, plain } from '../marks';
import { compareText } from './text';

/** A number with a fraction, or one that came of a division: Python writes 1.0 where an integer is 1. */
export class Float {
  constructor(readonly value: number) {}
}

export class Tuple {
  constructor(readonly items: readonly Value[]) {}
}

/** What Python yields item by item: it can be looped over, and has no length. */
export class Lazy {
  constructor(readonly items: readonly Value[]) {}
}

export class Namespace {
  constructor(readonly values: Map<string, Value>) {}
}

export type Keywords = ReadonlyMap<string, Value>;

export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: readonly Value[], keywords: Keywords) => Value,
  ) {}
}

/** undefined is Jinja's Undefined, a number is an integer. Keys of a Map may have marks. */
export type Value =
  | undefined
  | null
  | boolean
  | number
  | Float
  | string
  | readonly Value[]
  | Tuple
  | Lazy
  | ReadonlyMap<string, Value>
  | Namespace
  | Callable;

/** What Python would raise. */
export class TemplateFault extends Error {}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isDict(value: Value): value is ReadonlyMap<string, Value> {
  return value instanceof Map;
}

export function typeName(value: Value): string {
  if (value === undefined) {
    return 'undefined';
  }
  if (value === null) {
    return 'None';
  }
  if (isList(value)) {
    return 'list';
  }
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
      return 'int';
    case 'string':
      return 'str';
    default:
      return value instanceof Float ? 'float' : isDict(value) ? 'dict' : value.constructor.name;
  }
}

export function fault(message: string): never {
  throw new TemplateFault(message);
}

export function fromJson(value: unknown): Value {
  switch (typeof value) {
    case 'number':
      // As JSON writes it: from 1e21 on with an exponent, and that is a float to Python.
      return Number.isInteger(value) && Math.abs(value) < 1e21 ? value : new Float(value);
    case 'string':
    case 'boolean':
      return value;
    case 'object':
      if (value === null) {
        return null;
      }
      if (Array.isArray(value)) {
        return value.map(fromJson);
      }
      return new Map(
        Object.entries(value).flatMap(([key, item]) =>
          item === undefined ? [] : [[key, fromJson(item)] as const],
        ),
      );
    default:
      return undefined;
  }
}

/** Python's number, or undefined. bool is an int there. */
export function numberOf(value: Value): number | undefined {
  return typeof value === 'number'
    ? value
    : typeof value === 'boolean'
      ? Number(value)
      : value instanceof Float
        ? value.value
        : undefined;
}

export function isTrue(value: Value): boolean {
  if (value === undefined || value === null) {
    return false;
  }
  if (typeof value === 'string') {
    return plain(value) !== '';
  }
  if (isList(value)) {
    return value.length > 0;
  }
  if (isDict(value)) {
    return value.size > 0;
  }
  return value instanceof Tuple ? value.items.length > 0 : (numberOf(value) ?? 1) !== 0;
}

export function isEqual(left: Value, right: Value): boolean {
  const a = numberOf(left);
  if (a !== undefined) {
    return a === numberOf(right);
  }
  if (typeof left === 'string') {
    return typeof right === 'string' && plain(left) === plain(right);
  }
  const items = (value: Value): readonly Value[] | undefined =>
    isList(value) ? value : value instanceof Tuple ? value.items : undefined;
  const [x, y] = [items(left), items(right)];
  if (x !== undefined && y !== undefined) {
    return (
      isList(left) === isList(right) && x.length === y.length && x.every((item, i) => isEqual(item, y[i]))
    );
  }
  if (isDict(left) && isDict(right)) {
    return (
      left.size === right.size &&
      [...left].every(([key, item]) => hasKey(right, key) && isEqual(item, getKey(right, key)))
    );
  }
  return left === right;
}

function keyIn(dict: ReadonlyMap<string, Value>, key: string): string | undefined {
  if (dict.has(key)) {
    return key;
  }
  const wanted = plain(key);
  return [...dict.keys()].find((other) => plain(other) === wanted);
}

export function hasKey(dict: ReadonlyMap<string, Value>, key: string): boolean {
  return keyIn(dict, key) !== undefined;
}

export function getKey(dict: ReadonlyMap<string, Value>, key: string): Value {
  const found = keyIn(dict, key);
  return found === undefined ? undefined : dict.get(found);
}

/** For sorting and for < and >. Throws where Python would. */
export function compare(left: Value, right: Value): number {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) {
    return a - b;
  }
  if (typeof left === 'string' && typeof right === 'string') {
    return compareText(left, right);
  }
  const [x, y] = [left, right].map((value) =>
    isList(value) ? value : value instanceof Tuple ? value.items : undefined,
  );
  if (x !== undefined && y !== undefined) {
    for (let i = 0; i < Math.min(x.length, y.length); i += 1) {
      if (!isEqual(x[i], y[i])) {
        return compare(x[i], y[i]);
      }
    }
    return x.length - y.length;
  }
  return fault(`'<' is not supported between ${typeName(left)} and ${typeName(right)}`);
}

/** What a loop goes through. */
export function itemsOf(value: Value): readonly Value[] {
  if (value === undefined) {
    return [];
  }
  if (isList(value)) {
    return value;
  }
  if (value instanceof Tuple || value instanceof Lazy) {
    return value.items;
  }
  if (isDict(value)) {
    return [...value.keys()];
  }
  return fault(`'${typeName(value)}' object is not iterable`);
}

/** repr() of a float: the shortest that reads back, with an exponent below 1e-4 and from 1e16 on. */
export function writtenFloat(value: number): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  }
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e');
    const sign = exponent.startsWith('-') ? '-' : '+';
    return `${digits}e${sign}${exponent.replace(/^[+-]/, '').padStart(2, '0')}`;
  }
  const text = Object.is(value, -0) ? '-0' : String(value);
  return text.includes('.') ? text : `${text}.0`;
}

/** An integer without an exponent. */
function writtenInteger(value: number): string {
  return Number.isFinite(value) ? BigInt(value).toString() : writtenFloat(value);
}

const notPrintable = /[\p{C}\p{Zl}\p{Zp}\p{Zs}]/u;

function reprOfText(text: string): string {
  const shown = plain(text);
  const quote = shown.includes("'") && !shown.includes('"') ? '"' : "'";
  let out = quote;
  for (const c of text) {
    const code = c.codePointAt(0) ?? 0;
    if (hasMarks(c)) {
      out += c;
    } else if (c === quote || c === '\\') {
      out += `\\${c}`;
    } else if (c === '\n' || c === '\r' || c === '\t') {
      out += c === '\n' ? '\\n' : c === '\r' ? '\\r' : '\\t';
    } else if (c !== ' ' && notPrintable.test(c)) {
      const hex = code.toString(16);
      out +=
        code < 256
          ? `\\x${hex.padStart(2, '0')}`
          : code < 65536
            ? `\\u${hex.padStart(4, '0')}`
            : `\\U${hex.padStart(8, '0')}`;
    } else {
      out += c;
    }
  }
  return out + quote;
}

export function repr(value: Value): string {
  if (typeof value === 'string') {
    return reprOfText(value);
  }
  if (value === undefined) {
    return 'Undefined';
  }
  if (isList(value)) {
    return `[${value.map(repr).join(', ')}]`;
  }
  if (value instanceof Tuple) {
    return value.items.length === 1 ? `(${repr(value.items[0])},)` : `(${value.items.map(repr).join(', ')})`;
  }
  if (isDict(value)) {
    return `{${Array.from(value, ([key, item]) => `${repr(key)}: ${repr(item)}`).join(', ')}}`;
  }
  return str(value);
}

/** What {{ value }} writes. */
export function str(value: Value): string {
  switch (typeof value) {
    case 'undefined':
      return '';
    case 'string':
      return value;
    case 'boolean':
      return value ? 'True' : 'False';
    case 'number':
      return writtenInteger(value);
    default:
      if (value === null) {
        return 'None';
      }
      if (value instanceof Float) {
        return writtenFloat(value.value);
      }
      if (isList(value) || value instanceof Tuple || isDict(value)) {
        return repr(value);
      }
      return fault(`${typeName(value)} cannot be written`);
  }
}

export interface JsonOptions {
  readonly ensureAscii: boolean;
  readonly indent: string | undefined;
  readonly separators: readonly [string, string];
  readonly sortKeys: boolean;
}

function jsonText(text: string, ensureAscii: boolean): string {
  let out = '';
  let from = 0;
  // JSON.stringify would write marks as escapes.
  for (const { index } of text.matchAll(anyMark)) {
    out += JSON.stringify(text.slice(from, index)).slice(1, -1) + text.slice(index, index + 1);
    from = index + 1;
  }
  const written = `"${out}${JSON.stringify(text.slice(from)).slice(1)}`;
  return ensureAscii
    ? written.replace(
        /([\ud800-\ud81f](?![\udc00-\udfff]))|[\u007f-\uffff]/g,
        (c, lone?: string) => lone ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
    : written;
}

/** json.dumps. */
export function json(value: Value, options: JsonOptions, depth = 0): string {
  const { ensureAscii, indent, separators, sortKeys } = options;
  const [between, colon] = separators;
  const wrap = (open: string, close: string, parts: readonly string[]): string => {
    if (parts.length === 0) {
      return open + close;
    }
    if (indent === undefined) {
      return open + parts.join(between) + close;
    }
    const line = `\n${indent.repeat(depth + 1)}`;
    return `${open}${line}${parts.join(`${between}${line}`)}\n${indent.repeat(depth)}${close}`;
  };
  if (typeof value === 'string') {
    return jsonText(value, ensureAscii);
  }
  if (value === null) {
    return 'null';
  }
  if (typeof value === 'boolean') {
    return value ? 'true' : 'false';
  }
  if (typeof value === 'number') {
    return writtenInteger(value);
  }
  if (value instanceof Float) {
    const text = writtenFloat(value.value);
    return text === 'nan' ? 'NaN' : text.replace('inf', 'Infinity');
  }
  if (isList(value) || value instanceof Tuple) {
    const items = isList(value) ? value : value.items;
    return wrap(
      '[',
      ']',
      items.map((item) => json(item, options, depth + 1)),
    );
  }
  if (isDict(value)) {
    const entries = [...value];
    if (sortKeys) {
      entries.sort(([a], [b]) => compareText(a, b));
    }
    return wrap(
      '{',
      '}',
      entries.map(([key, item]) => `${jsonText(key, ensureAscii)}${colon}${json(item, options, depth + 1)}`),
    );
  }
  return fault(`Object of type ${typeName(value)} is not JSON serializable`);
}
