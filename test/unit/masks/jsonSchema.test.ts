import * as assert from 'node:assert/strict';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import {
  jsonSchemaGrammar,
  SchemaError,
  type JsonBounds,
  type JsonSchema,
} from '../../../server/src/conversation/masks';
import { follows, shortestClosing } from '../../../server/src/grammar/closing';
import type { Expression } from '../../../server/src/grammar/grammar';
import { Random } from '../../support/random';
import { sample } from '../grammar/support';
import { toolSchemas } from './schemas';

/** The judge: another library. */
export function validator(schema: JsonSchema): (value: unknown) => boolean {
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  return ajv.compile(schema);
}

const styles: readonly Partial<JsonBounds>[] = [
  { stringLength: 8, items: 3 },
  { stringLength: 8, items: 3, whitespace: 'compact' },
  { stringLength: 8, items: 3, whitespace: 'spaced' },
];

describe('masks: JSON schemas', function () {
  this.timeout(20_000);
  for (const [name, schema] of Object.entries(toolSchemas)) {
    it(`say only what is valid: ${name}`, () => {
      const valid = validator(schema);
      const seen = new Set<string>();
      for (const style of styles) {
        const grammar = jsonSchemaGrammar(schema, style);
        for (let seed = 0; seed < 20; seed += 1) {
          const text = sample(grammar.rules[grammar.root] as Expression, grammar, new Random(seed));
          seen.add(text);
          assert.ok(valid(JSON.parse(text)), text);
          assert.doesNotMatch(text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""'), /\s\s/, 'white space is bounded');
          assert.ok(follows(grammar, text), text);
          // Cut anywhere, and closed.
          const characters = Array.from(text);
          for (let i = 0; i < 4; i += 1) {
            const said = characters.slice(0, (seed * 7 + i * 31) % (characters.length + 1)).join('');
            const closed = said + (shortestClosing(grammar, said) ?? '');
            assert.ok(valid(JSON.parse(closed)), `${said} … ${closed}`);
          }
        }
      }
      assert.ok(seen.size > 1 || name === 'no_arguments');
    });
  }

  it('can say what people would', () => {
    const values: [string, unknown][] = [
      ['read_file', { path: 'src/ü "quoted"\\\n\t日本😀.ts' }],
      ['search_text', { query: 'a.b', include: ['*.ts'], maxResults: 500 }],
      [
        'run_command',
        { command: 'git', arguments: ['log'], timeoutSeconds: 12.5, environment: { A: 'b', C: '' } },
      ],
      ['get_weather', { city: '', unit: 'kelvin', days: null }],
      [
        'draw',
        {
          shape: {
            kind: 'line',
            points: [
              [0, -1.5],
              [2, 3],
            ],
          },
        },
      ],
      ['filter_rows', { where: { and: [{ field: 'a', equals: 1 }, { not: { field: 'b', equals: null } }] } }],
      ['choose_numbers', { negative: -1005, around: -12, large: 1000000007, even: -3 }],
      ['choose_numbers', { negative: -7, around: 3456, large: 99999999999, even: 9 }],
      ['anything_goes', { value: { a: [1, { b: null }], c: 'd' }, note: [] }],
      ['tuple', { range: [1, 2, 'px', true] }],
      ['tuple', { range: [1, 2] }],
      ['only_optional', { b: true, d: 'x' }],
      ['only_optional', {}],
      ['create_event', { title: 'x', start: '2026-11-27T08:30:00Z', guests: ['a@b.org'] }],
      ['deep', { a: { b: { c: { d: { e: { f: [{ g: { h: [0.5] } }] } } } } } }],
    ];
    for (const [name, value] of values) {
      const schema = toolSchemas[name] as JsonSchema;
      const text = JSON.stringify(value);
      assert.ok(validator(schema)(value), text);
      assert.ok(follows(jsonSchemaGrammar(schema), text), text);
      if (!/[[{]\]?/.test(text.slice(1).replaceAll('":', '')) || text === '{}') {
        assert.ok(follows(jsonSchemaGrammar(schema), text.replaceAll('":', '": ')), text);
      }
    }
  });

  it('take whole numbers from exactly the range', () => {
    const random = new Random(3);
    const edges = [0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 12345];
    for (let i = 0; i < 150; i += 1) {
      const end = (): number =>
        (edges[random.below(edges.length)] as number) * (random.below(2) === 0 ? 1 : -1) + random.below(3);
      const [a, b] = [end(), end()];
      const [minimum, maximum] = [Math.min(a, b), Math.max(a, b)];
      const grammar = jsonSchemaGrammar({ type: 'integer', minimum, maximum });
      for (let k = 0; k < 40; k += 1) {
        const value = k < 2 ? (k === 0 ? minimum : maximum) : end() + random.below(5) - 2;
        assert.equal(
          follows(grammar, String(value)),
          value >= minimum && value <= maximum,
          `${String(value)} in ${String([minimum, maximum])}`,
        );
      }
      for (const wrong of ['', '-', '-0', '00', `0${String(maximum)}`, `${String(minimum)}.`, `+1`]) {
        assert.ok(!follows(grammar, wrong), wrong);
      }
    }
  });

  it('refuse what a grammar cannot say, with the keyword and its place', () => {
    const refused: [JsonSchema, string, RegExp][] = [
      [{ type: 'string', pattern: '^a' }, 'pattern', /"pattern" is not supported/],
      [
        { type: 'object', properties: { a: { type: 'array', contains: {} } } },
        'contains',
        /at \/properties\/a /,
      ],
      [{ type: 'array', items: {}, uniqueItems: true }, 'uniqueItems', /does not remember/],
      [{ not: {} }, 'not', /not supported/],
      [{ if: {}, then: {} }, 'if', /not supported/],
      [{ patternProperties: {} }, 'patternProperties', /not supported/],
      [{ propertyNames: {} }, 'propertyNames', /not supported/],
      [{ dependentRequired: {} }, 'dependentRequired', /not supported/],
      [{ type: 'number', multipleOf: 0.1 }, 'multipleOf', /except 1/],
      [{ type: 'string', format: 'uri' }, 'format', /"uri" is not supported/],
      [{ anyOf: [{ type: 'string' }], type: 'object' }, 'anyOf', /stands beside "type"/],
      [{ allOf: [{}, {}] }, 'allOf', /more than one/],
      [{ oneOf: [{ type: 'integer' }, { type: 'number' }] }, 'oneOf', /apart/],
      [{ $ref: 'https://example.invalid/schema' }, '$ref', /the same schema/],
      [{ $ref: '#/$defs/nobody' }, '$ref', /not there/],
      [
        {
          $defs: { a: { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, required: ['a'] } },
          $ref: '#/$defs/a',
        },
        '$ref',
        /back to itself/,
      ],
      [{ type: 'object', required: ['a'] }, 'required', /does not name/],
      [{ type: 'object', properties: { a: {}, b: {} }, maxProperties: 1 }, 'maxProperties', /not supported/],
      [{ type: 'object', properties: { a: {} }, minProperties: 1 }, 'minProperties', /not supported/],
      [{ type: 'object', additionalProperties: {}, minProperties: 2 }, 'minProperties', /not supported/],
      [{ type: 'integer', minimum: 1.2, maximum: 1.8 }, 'minimum', /no whole number/],
      [{ type: 'string', minLength: 3, maxLength: 2 }, 'minLength', /more than/],
      [{ type: 'string', enum: [1] }, 'enum', /no value/],
      [{ type: 'strange' }, 'type', /no type/],
      [{ type: 'string', minLength: -1 }, 'minLength', /whole number/],
      [{ somethingNew: 1 }, 'somethingNew', /not supported/],
    ];
    for (const [schema, keyword, message] of refused) {
      assert.throws(
        () => jsonSchemaGrammar(schema),
        (error) => error instanceof SchemaError && error.keyword === keyword && message.test(error.message),
        JSON.stringify(schema),
      );
    }
  });
});
