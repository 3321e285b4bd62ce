/**
 * JSON schemas as grammars (draft 2020-12, and what is the same in drafts 6 and 7). What follows the grammar is valid; not all that is
 * valid follows it: properties come in the schema's order, none that it does not name, and the bounds hold. What a grammar cannot
 * say is refused, never passed over.
 */
import {
  characters,
  choice,
  empty,
  optional,
  repeat,
  rule,
  sequence,
  text,
  type Expression,
  type Grammar,
} from '../../grammar/grammar';
import { defaultBounds, type JsonBounds } from './bounds';
import { anyNumber, integers, numbers, type NumberRange } from './numbers';
import { areApart } from './oneOf';
import {
  asSchema,
  asSchemas,
  checkKeywords,
  count,
  jsonTypes,
  limit,
  SchemaError,
  strings,
  typeOf,
  typesOf,
  type JsonSchema,
  type JsonType,
  type SchemaObject,
} from './schemaWords';
import { formats, plainString, quoted, stringCharacter } from './strings';

/** Undefined: nothing of finite size is valid within the bounds. */
type Possible = Expression | undefined;

/** The text's JSON value is valid by the schema. Throws SchemaError. */
export function jsonSchemaGrammar(schema: JsonSchema, bounds: Partial<JsonBounds> = {}): Grammar {
  const rules: Record<string, Expression> = {};
  rules['root'] = new SchemaRules(schema, { ...defaultBounds, ...bounds }, rules, 'json').root();
  return { root: 'root', rules };
}

/** Writes a schema's rules into a grammar; their names begin with `prefix`. */
export class SchemaRules {
  private lastRule = 0;
  private readonly known = new Map<string, Possible>();

  constructor(
    private readonly schema: JsonSchema,
    private readonly bounds: JsonBounds,
    private readonly rules: Record<string, Expression>,
    private readonly prefix: string,
  ) {}

  /** Throws SchemaError. */
  root(): Expression {
    const value = this.value(this.schema, '', this.bounds.depth);
    if (value === undefined) {
      throw new SchemaError(
        '$ref',
        '',
        `leads back to itself more than ${String(this.bounds.depth)} times in every value`,
      );
    }
    return value;
  }

  // ---------------------------------------------------------------------------------------------------------------- values

  private value(schema: JsonSchema, where: string, depth: number): Possible {
    if (schema === false) {
      return undefined;
    }
    if (schema === true) {
      return this.anything(depth);
    }
    checkKeywords(schema, where);
    if (schema['$ref'] !== undefined) {
      return this.reference(schema['$ref'], where, depth);
    }
    for (const keyword of ['anyOf', 'oneOf', 'allOf'] as const) {
      if (schema[keyword] !== undefined) {
        return this.combined(keyword, asSchemas(schema[keyword], keyword, where), where, depth);
      }
    }
    const types = typesOf(schema, where);
    if (schema['const'] !== undefined || schema['enum'] !== undefined) {
      return listed(schema, types, where);
    }
    if (types.length === 0) {
      // What it says about single types alone must hold for values of these.
      const silent = !Object.keys(schema).some((keyword) =>
        /^(min|max|exclusive|format|multipleOf|unique)/.test(keyword),
      );
      return silent
        ? this.anything(depth)
        : this.either(jsonTypes.map((type) => this.typed(type, schema, where, depth)));
    }
    return this.either(types.map((type) => this.typed(type, schema, where, depth)));
  }

  private typed(type: JsonType, schema: SchemaObject, where: string, depth: number): Possible {
    switch (type) {
      case 'null':
        return text('null');
      case 'boolean':
        return choice(text('true'), text('false'));
      case 'integer':
      case 'number':
        return this.number(type, schema, where);
      case 'string':
        return this.string(schema, where);
      case 'array':
        return this.array(schema, where, depth);
      case 'object':
        return this.object(schema, where, depth);
    }
  }

  private number(type: 'integer' | 'number', schema: SchemaObject, where: string): Possible {
    const range: NumberRange = {
      minimum: limit(schema, 'minimum', where),
      maximum: limit(schema, 'maximum', where),
      exclusiveMinimum: limit(schema, 'exclusiveMinimum', where),
      exclusiveMaximum: limit(schema, 'exclusiveMaximum', where),
    };
    const whole = type === 'integer' || schema['multipleOf'] === 1;
    const bound = Object.entries(range).find(([, value]) => value !== undefined);
    if (bound === undefined) {
      return this.shared(whole ? 'integer' : 'number', () => anyNumber(this.bounds.digits, whole));
    }
    const found = whole ? integers(range, this.bounds.digits) : numbers(range, this.bounds.digits);
    if (found === undefined) {
      const why = 'leaves no whole number, nor two successive ones, within the limits';
      throw new SchemaError(bound[0], where, why);
    }
    return found;
  }

  private string(schema: SchemaObject, where: string): Possible {
    const { format } = schema;
    const least = count(schema, 'minLength', where) ?? 0;
    const most = count(schema, 'maxLength', where) ?? Infinity;
    if (format !== undefined) {
      const known =
        typeof format === 'string' && Object.hasOwn(formats, format) ? formats[format] : undefined;
      if (known === undefined || least > 0 || most < Infinity) {
        const why =
          known === undefined ? `${JSON.stringify(format)} is not supported` : 'cannot stand beside a length';
        throw new SchemaError('format', where, why);
      }
      return quoted(known);
    }
    if (least > most) {
      throw new SchemaError('minLength', where, 'is more than "maxLength"');
    }
    const longest = Math.min(most, Math.max(least, this.bounds.stringLength));
    return this.shared(`string${String(least)}-${String(longest)}`, () =>
      quoted(repeat(stringCharacter, least, longest)),
    );
  }

  private array(schema: SchemaObject, where: string, depth: number): Possible {
    const least = count(schema, 'minItems', where) ?? 0;
    const most = Math.min(count(schema, 'maxItems', where) ?? Infinity, Math.max(least, this.bounds.items));
    if (least > most) {
      throw new SchemaError('minItems', where, 'is more than "maxItems"');
    }
    const first =
      schema['prefixItems'] === undefined ? [] : asSchemas(schema['prefixItems'], 'prefixItems', where);
    const tuple = first.map((item, i) => this.value(item, `${where}/prefixItems/${String(i)}`, depth));
    const others =
      schema['items'] === undefined && first.length > 0 && least <= first.length
        ? undefined // no more than the tuple: always valid
        : this.value(
            asSchema(schema['items'] ?? true, 'items', where),
            `${where}/items`,
            schema['items'] === undefined ? depth - 1 : depth,
          );
    const inner = this.elements(tuple, others, least, most);
    const some = inner === undefined ? undefined : sequence(text('['), this.gap, inner, this.gap, text(']'));
    return this.either([least === 0 ? text('[]') : undefined, some]);
  }

  /** One element at least. */
  private elements(tuple: Possible[], others: Possible, least: number, most: number): Possible {
    const rest: Possible = others === undefined ? undefined : sequence(this.comma, others);
    const repeats = rest === undefined ? 0 : most - tuple.length;
    if (tuple.length === 0) {
      return others === undefined || most === 0 || rest === undefined
        ? undefined
        : sequence(others, repeat(rest, Math.max(0, least - 1), most - 1));
    }
    const needed = least - tuple.length;
    let tail: Possible = needed > Math.max(0, repeats) ? undefined : empty;
    if (tail !== undefined && rest !== undefined && repeats > 0) {
      tail = repeat(rest, Math.max(0, needed), repeats);
    }
    for (let i = tuple.length - 1; i >= 0; i -= 1) {
      const item = tuple[i];
      const here = item === undefined || i >= most ? undefined : sequence(i > 0 ? this.comma : empty, item);
      const more = here === undefined || tail === undefined ? undefined : sequence(here, tail);
      tail = this.either([more, i > 0 && i >= least ? empty : undefined]);
    }
    return tail;
  }

  private object(schema: SchemaObject, where: string, depth: number): Possible {
    const properties = schema['properties'] ?? {};
    if (typeof properties !== 'object' || Array.isArray(properties)) {
      throw new SchemaError('properties', where, 'must name schemas');
    }
    const required = new Set(strings(schema, 'required', where));
    const least = count(schema, 'minProperties', where) ?? 0;
    const most = count(schema, 'maxProperties', where) ?? Infinity;
    const entries = Object.entries(properties as Record<string, unknown>);
    const unnamed = [...required].find((name) => !Object.hasOwn(properties, name));
    if (unnamed !== undefined) {
      throw new SchemaError(
        'required',
        where,
        `asks for ${JSON.stringify(unnamed)}, which "properties" does not name`,
      );
    }
    if (entries.length === 0) {
      return this.map(schema['additionalProperties'] ?? true, { least, most, where, depth });
    }
    if (most < entries.length || least > required.size) {
      const keyword = most < entries.length ? 'maxProperties' : 'minProperties';
      throw new SchemaError(
        keyword,
        where,
        'is not supported where it decides about properties that "properties" names',
      );
    }
    const members = entries.map(([name, property]) => ({
      required: required.has(name),
      member: this.member(
        text(JSON.stringify(name)),
        this.value(asSchema(property, 'properties', where), `${where}/properties/${name}`, depth),
      ),
    }));
    if (members.some((each) => each.required && each.member === undefined)) {
      return undefined;
    }
    // From the last to the first, with something before (behind a comma) and with nothing before.
    let [later, first]: [Expression, Possible] = [empty, undefined];
    for (const { required: must, member } of members.reverse()) {
      if (member !== undefined) {
        const behind = sequence(this.comma, member);
        const here = sequence(member, later);
        [later, first] = must
          ? [this.named(behind, later), here]
          : [this.named(optional(behind), later), this.either([here, first])];
        first = first === undefined ? undefined : this.named(first);
      }
    }
    const some = first === undefined ? undefined : sequence(text('{'), this.gap, first, this.gap, text('}'));
    return this.either([required.size === 0 ? text('{}') : undefined, some]);
  }

  /** An object of any keys, all of whose values follow one schema. */
  private map(
    values: unknown,
    { least, most, where, depth }: { least: number; most: number; where: string; depth: number },
  ): Possible {
    if (least > 1) {
      throw new SchemaError(
        'minProperties',
        where,
        'is not supported, except 0 and 1: keys might be the same',
      );
    }
    const schema = asSchema(values, 'additionalProperties', where);
    const value = this.value(schema, `${where}/additionalProperties`, schema === true ? depth - 1 : depth);
    const member = this.member(plainString(1, this.bounds.keyLength), value);
    const longest = Math.min(most, this.bounds.items);
    const some =
      member === undefined || longest === 0
        ? undefined
        : sequence(
            text('{'),
            this.gap,
            member,
            repeat(sequence(this.comma, member), 0, longest - 1),
            this.gap,
            text('}'),
          );
    return this.either([least === 0 ? text('{}') : undefined, some]);
  }

  private member(key: Expression, value: Possible): Possible {
    return value === undefined ? undefined : sequence(key, this.colon, value);
  }

  /** Any JSON value, nested `depth` times at the most. */
  private anything(depth: number): Possible {
    return depth < 0
      ? undefined
      : this.shared(`any${String(depth)}`, () =>
          this.either(jsonTypes.map((type) => this.typed(type, {}, '', depth))),
        );
  }

  // ----------------------------------------------------------------------------------------------------------- combinations

  private combined(keyword: string, schemas: JsonSchema[], where: string, depth: number): Possible {
    if (keyword === 'allOf' && schemas.length > 1) {
      throw new SchemaError('allOf', where, 'is not supported with more than one schema');
    }
    if (keyword === 'oneOf' && !areApart(schemas.map((each) => this.resolved(each, where)))) {
      const why =
        'is only supported where types, or the constants of a property that all of them require, tell its schemas apart';
      throw new SchemaError('oneOf', where, why);
    }
    return this.either(schemas.map((each, i) => this.value(each, `${where}/${keyword}/${String(i)}`, depth)));
  }

  private reference(ref: unknown, where: string, depth: number): Possible {
    const target = this.target(ref, where);
    if (depth <= 0) {
      return undefined;
    }
    return this.shared(`ref${String(depth)}${String(ref)}`, () => this.value(target, String(ref), depth - 1));
  }

  private target(ref: unknown, where: string): JsonSchema {
    if (typeof ref !== 'string' || !/^#(\/|$)/.test(ref)) {
      throw new SchemaError(
        '$ref',
        where,
        `must point into the same schema ("#/$defs/…"), not to ${JSON.stringify(ref)}`,
      );
    }
    let found: unknown = this.schema;
    for (const part of ref.split('/').slice(1)) {
      const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
      found =
        typeof found === 'object' && found !== null && Object.hasOwn(found, key)
          ? (found as SchemaObject)[key]
          : undefined;
    }
    if (found === undefined) {
      throw new SchemaError('$ref', where, `points to ${JSON.stringify(ref)}, which is not there`);
    }
    return asSchema(found, '$ref', where);
  }

  private resolved(schema: JsonSchema, where: string): JsonSchema {
    let found = schema;
    for (let i = 0; typeof found === 'object' && found['$ref'] !== undefined && i < 16; i += 1) {
      found = this.target(found['$ref'], where);
    }
    return found;
  }

  // ------------------------------------------------------------------------------------------------------------------ rules

  private either(values: readonly Possible[]): Possible {
    const possible = values.filter((value) => value !== undefined);
    return possible.length > 1 ? choice(...possible) : possible[0];
  }

  /** Made once for a key. */
  private shared(key: string, make: () => Possible): Possible {
    if (!this.known.has(key)) {
      const made = make();
      this.known.set(key, made === undefined ? undefined : this.named(made));
    }
    return this.known.get(key);
  }

  /** The expressions one after the other, as a rule: what is used twice is written once. */
  private named(...expressions: Expression[]): Expression {
    this.lastRule += 1;
    const name = `${this.prefix}-${String(this.lastRule)}`;
    this.rules[name] =
      expressions.length === 1 && expressions[0] !== undefined ? expressions[0] : sequence(...expressions);
    return rule(name);
  }

  private get gap(): Expression {
    return this.bounds.whitespace === 'free' ? optional(characters(' \n')) : empty;
  }
  private get comma(): Expression {
    return this.separator(',');
  }
  private get colon(): Expression {
    return this.separator(':');
  }
  private separator(sign: string): Expression {
    const { whitespace } = this.bounds;
    return whitespace === 'free'
      ? sequence(text(sign), this.gap)
      : text(whitespace === 'spaced' ? `${sign} ` : sign);
  }
}

/** The values of "const" and "enum" that are of the schema's types. */
function listed(schema: SchemaObject, types: readonly JsonType[], where: string): Possible {
  const { const: constant, enum: list } = schema;
  if (list !== undefined && (!Array.isArray(list) || list.length === 0)) {
    throw new SchemaError('enum', where, 'must be a list of values');
  }
  const values = constant === undefined ? (list as unknown[]) : [constant];
  const inAll = values.filter(
    (value) => list === undefined || constant === undefined || includes(list as unknown[], value),
  );
  const typed = inAll.filter((value) => {
    const type = typeOf(value);
    return types.length === 0 || types.includes(type) || (type === 'integer' && types.includes('number'));
  });
  if (typed.length === 0) {
    throw new SchemaError(
      constant === undefined ? 'enum' : 'const',
      where,
      'has no value of the schema\'s "type"',
    );
  }
  return choice(...typed.map((value) => text(JSON.stringify(value))));
}

const includes = (list: readonly unknown[], value: unknown): boolean =>
  list.some((each) => JSON.stringify(each) === JSON.stringify(value));
