/**
 * Shapes of messages that come from somebody who is not trusted to keep to the types: a page, or whatever has got into one. A shape takes any
 * value and returns a copy with exactly the fields that it knows, or undefined where the value is something else. Nothing of the value itself is
 * passed on: neither its prototype nor fields that nobody has asked for.
 */

/** undefined = it is not one. */
export type Shape<T> = (value: unknown) => T | undefined;

/** UTF-16 units: more than any answer, fewer than hold up a window. */
const longestText = 8_000_000;

export function text(most: number = longestText): Shape<string> {
  return (value) => (typeof value === 'string' && value.length <= most ? value : undefined);
}

export const flag: Shape<boolean> = (value) => (typeof value === 'boolean' ? value : undefined);

/** Whole, not negative. */
export const count: Shape<number> = (value) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

export const finite: Shape<number> = (value) =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

export function oneOf<const T extends string>(...names: readonly T[]): Shape<T> {
  return (value) => names.find((name) => name === value);
}

export function listOf<T>(item: Shape<T>, most: number): Shape<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value) || value.length > most) {
      return undefined;
    }
    const items = value.map((each) => item(each));
    return items.some((each) => each === undefined) ? undefined : (items as T[]);
  };
}

/** null is a value of its own here; undefined is none anywhere. */
export function orNull<T>(shape: Shape<T>): Shape<T | null> {
  return (value) => (value === null ? null : shape(value));
}

export function record<T extends object>(fields: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return undefined;
    }
    const entries: [string, unknown][] = [];
    for (const name of names) {
      const field = Object.hasOwn(value, name)
        ? fields[name]((value as Record<string, unknown>)[name])
        : undefined;
      if (field === undefined) {
        return undefined;
      }
      entries.push([name, field]);
    }
    return Object.fromEntries(entries) as T;
  };
}

/** The first that fits. */
export function anyOf<T>(...shapes: readonly Shape<T>[]): Shape<T> {
  return (value) => {
    for (const shape of shapes) {
      const found = shape(value);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  };
}
