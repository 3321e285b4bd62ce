/** Whether no value can follow two of the schemas: then "one of" is the same as "any of", which a grammar can say. */
import { typeOf, typesOf, type JsonSchema, type JsonType, type SchemaObject } from './schemaWords';

const constants = (schema: JsonSchema): readonly unknown[] | undefined =>
  typeof schema === 'boolean'
    ? undefined
    : schema['const'] !== undefined
      ? [schema['const']]
      : Array.isArray(schema['enum'])
        ? schema['enum']
        : undefined;

/** Types of its values, with 'number' for whole ones, too; undefined = any. */
function types(schema: JsonSchema): ReadonlySet<JsonType> | undefined {
  if (typeof schema === 'boolean') {
    return undefined;
  }
  const listed = constants(schema)?.map(typeOf);
  const named = listed ?? typesOf(schema, '');
  return named.length === 0
    ? undefined
    : new Set(named.map((type) => (type === 'integer' ? 'number' : type)));
}

const apart = (a: readonly unknown[], b: readonly unknown[]): boolean => {
  const texts = new Set(a.map((value) => JSON.stringify(value)));
  return !b.some((value) => texts.has(JSON.stringify(value)));
};

function property(schema: SchemaObject, name: string): JsonSchema {
  return ((schema['properties'] ?? {}) as Record<string, JsonSchema>)[name] ?? true;
}

function twoAreApart(a: JsonSchema, b: JsonSchema): boolean {
  const [typesA, typesB] = [types(a), types(b)];
  if (typesA !== undefined && typesB !== undefined && ![...typesA].some((type) => typesB.has(type))) {
    return true;
  }
  const [listA, listB] = [constants(a), constants(b)];
  if (listA !== undefined && listB !== undefined) {
    return apart(listA, listB);
  }
  if (
    typeof a === 'boolean' ||
    typeof b === 'boolean' ||
    !typesA?.has('object') ||
    typesA.size > 1 ||
    typesB?.size !== 1
  ) {
    return false;
  }
  const required = (schema: SchemaObject): readonly unknown[] =>
    Array.isArray(schema['required']) ? schema['required'] : [];
  return required(a).some((name) => {
    const [inA, inB] =
      typeof name === 'string' ? [constants(property(a, name)), constants(property(b, name))] : [];
    return required(b).includes(name) && inA !== undefined && inB !== undefined && apart(inA, inB);
  });
}

export function areApart(schemas: readonly JsonSchema[]): boolean {
  return schemas.every((a, i) => schemas.slice(i + 1).every((b) => twoAreApart(a, b)));
}
