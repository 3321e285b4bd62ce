/** What `object[name]` and `object[from:to:by]` are. */
import { loopItems } from './filters';
import { methodOf } from './methods';
import { characters, type TextSearch } from './text';
import {
  fault,
  getKey,
  hasKey,
  isDict,
  isList,
  itemsOf,
  Lazy,
  Namespace,
  numberOf,
  str,
  Tuple,
  type Value,
} from './values';

/** `object[name]`. */
export function itemOf(object: Value, name: Value, search: TextSearch): Value {
  if (object === undefined) {
    return fault(`it is undefined, and has no ${str(name)}`);
  }
  if (object instanceof Namespace) {
    return typeof name === 'string' ? object.values.get(name) : undefined;
  }
  if (typeof name === 'string') {
    if (isDict(object) && hasKey(object, name)) {
      return getKey(object, name);
    }
    return methodOf(object, name, search);
  }
  const at = typeof name === 'boolean' ? Number(name) : name;
  if (typeof at === 'number' && (typeof object === 'string' || isList(object) || object instanceof Tuple)) {
    return (typeof object === 'string' ? characters(object) : itemsOf(object)).at(at);
  }
  return undefined;
}

export function sliceOf(object: Value, from: Value, to: Value, by: Value): Value {
  const bound = (value: Value): number | undefined =>
    value === undefined || value === null
      ? undefined
      : (numberOf(value) ?? fault('slice indices must be integers'));
  if (object instanceof Lazy || isDict(object)) {
    return undefined;
  }
  const items = loopItems(object);
  const step = bound(by) ?? 1;
  if (step === 0) {
    return fault('slice step cannot be zero');
  }
  const size = items.length;
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const clamp = (value: number | undefined, otherwise: number): number =>
    value === undefined ? otherwise : Math.max(low, Math.min(high, value < 0 ? value + size : value));
  const start = clamp(bound(from), step > 0 ? low : high);
  const stop = clamp(bound(to), step > 0 ? high : low);
  const out: Value[] = [];
  for (let i = start; step > 0 ? i < stop : i > stop; i += step) {
    out.push(items[i]);
  }
  return typeof object === 'string' ? out.map(str).join('') : object instanceof Tuple ? new Tuple(out) : out;
}
