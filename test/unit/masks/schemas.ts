/** Schemas of tools as assistants have them, for tests here and for the benchmark (bench/chat/parts/masks.mjs). */
import type { JsonSchema } from '../../../server/src/conversation/masks';

const string = { type: 'string' } as const;
const object = (properties: Record<string, unknown>, required = Object.keys(properties)): JsonSchema => ({
  type: 'object',
  properties,
  required,
});

export const toolSchemas: Readonly<Record<string, JsonSchema>> = {
  read_file: object({ path: { type: 'string', minLength: 1, maxLength: 80 } }),
  list_folder: object(
    { path: string, recursive: { type: 'boolean' }, depth: { type: 'integer', minimum: 0, maximum: 12 } },
    ['path'],
  ),
  search_text: object(
    {
      query: { type: 'string', minLength: 2, maxLength: 60 },
      include: { type: 'array', items: { type: 'string', maxLength: 30 }, maxItems: 4 },
      caseSensitive: { type: 'boolean', default: false },
      maxResults: { type: 'integer', exclusiveMinimum: 0, maximum: 500 },
    },
    ['query'],
  ),
  replace_text: object({
    path: string,
    edits: {
      type: 'array',
      minItems: 1,
      maxItems: 3,
      items: object({
        search: { type: 'string', minLength: 1, maxLength: 120 },
        replace: { type: 'string', maxLength: 120 },
      }),
    },
  }),
  get_weather: object(
    {
      city: { type: 'string', maxLength: 40 },
      unit: { enum: ['celsius', 'fahrenheit', 'kelvin'] },
      days: { type: ['integer', 'null'], minimum: 1, maximum: 7 },
    },
    ['city', 'unit'],
  ),
  run_command: object(
    {
      command: { type: 'string', enum: ['npm', 'node', 'git', 'make'] },
      arguments: { type: 'array', items: { type: 'string', maxLength: 24 }, minItems: 1, maxItems: 6 },
      timeoutSeconds: { type: 'number', minimum: 0, maximum: 600 },
      environment: {
        type: 'object',
        additionalProperties: { type: 'string', maxLength: 20 },
        maxProperties: 3,
      },
    },
    ['command', 'arguments'],
  ),
  set_colour: object(
    {
      red: { type: 'integer', minimum: 0, maximum: 255 },
      green: { type: 'integer', minimum: 0, maximum: 255 },
      blue: { type: 'integer', minimum: 0, maximum: 255 },
      alpha: { type: 'number', minimum: 0, maximum: 1 },
    },
    ['red', 'green', 'blue'],
  ),
  set_temperature: object({
    degrees: { type: 'number', minimum: -40, maximum: 60 },
    room: { type: 'string', const: 'Küche' },
  }),
  create_event: object(
    {
      title: { type: 'string', minLength: 1, maxLength: 50 },
      start: { type: 'string', format: 'date-time' },
      day: { type: 'string', format: 'date' },
      guests: { type: 'array', items: { type: 'string', format: 'email' }, maxItems: 3 },
    },
    ['title', 'start'],
  ),
  send_message: object({
    to: {
      anyOf: [
        { type: 'string', format: 'email' },
        { type: 'array', items: { type: 'string', format: 'uuid' }, minItems: 1, maxItems: 2 },
      ],
    },
    text: { type: 'string', maxLength: 200 },
  }),
  draw: object({
    shape: {
      oneOf: [
        object({ kind: { const: 'circle' }, radius: { type: 'number', exclusiveMinimum: 0 } }),
        object({ kind: { const: 'rectangle' }, width: { type: 'integer' }, height: { type: 'integer' } }),
        object({
          kind: { enum: ['line', 'arrow'] },
          points: {
            type: 'array',
            minItems: 2,
            maxItems: 4,
            items: {
              type: 'array',
              prefixItems: [{ type: 'number' }, { type: 'number' }],
              items: false,
              minItems: 2,
            },
          },
        }),
      ],
    },
  }),
  filter_rows: {
    type: 'object',
    properties: { where: { $ref: '#/$defs/condition' } },
    required: ['where'],
    $defs: {
      condition: {
        anyOf: [
          object({
            field: { type: 'string', maxLength: 12 },
            equals: { type: ['string', 'number', 'boolean', 'null'], maxLength: 12 },
          }),
          object({ and: { type: 'array', items: { $ref: '#/$defs/condition' }, minItems: 1, maxItems: 2 } }),
          object({ not: { $ref: '#/$defs/condition' } }),
        ],
      },
    },
  },
  rename_symbol: object({
    'old "name"': { type: 'string', minLength: 1, maxLength: 20 },
    'neuer\\Name\n': { type: 'string', minLength: 1, maxLength: 20 },
    名前: { type: 'string', minLength: 3, maxLength: 3 },
  }),
  no_arguments: { type: 'object', properties: {}, additionalProperties: false },
  only_optional: object(
    {
      a: { type: 'integer' },
      b: { type: 'boolean' },
      c: { type: 'null' },
      d: { type: 'string', maxLength: 5 },
    },
    [],
  ),
  last_required: object(
    { a: { type: 'integer' }, b: { type: 'boolean' }, c: { type: 'string', maxLength: 5 } },
    ['c'],
  ),
  first_required: object(
    { a: { type: 'integer' }, b: { type: 'boolean' }, c: { type: 'string', maxLength: 5 } },
    ['a'],
  ),
  anything_goes: object({ value: {}, note: true }, ['value']),
  tuple: object({
    range: {
      type: 'array',
      prefixItems: [{ type: 'integer' }, { type: 'integer' }, { enum: ['px', 'em'] }],
      items: { type: 'boolean' },
      minItems: 2,
      maxItems: 5,
    },
  }),
  deep: object({
    a: object({
      b: object({
        c: object({
          d: object({
            e: object({
              f: {
                type: 'array',
                items: object({ g: { enum: [1, 'zwei', null, true, { h: [0.5] }] } }),
                minItems: 1,
                maxItems: 2,
              },
            }),
          }),
        }),
      }),
    }),
  }),
  choose_numbers: object({
    negative: { type: 'integer', minimum: -1005, maximum: -7 },
    around: { type: 'integer', minimum: -12, maximum: 3456 },
    large: { type: 'integer', minimum: 1000000007 },
    even: { type: 'number', multipleOf: 1, maximum: 9 },
  }),
  commit: object(
    {
      type: { enum: ['feat', 'fix', 'docs', 'refactor', 'test'] },
      scope: { type: 'string', maxLength: 16 },
      summary: { type: 'string', minLength: 10, maxLength: 72 },
      breaking: { type: 'boolean' },
    },
    ['type', 'summary'],
  ),
  explain_error: object(
    {
      code: { type: 'string', minLength: 4, maxLength: 6 },
      severity: { enum: ['error', 'warning', 'information', 'hint'] },
      related: { type: 'array', items: { type: 'integer', minimum: 1 }, maxItems: 5 },
    },
    ['code'],
  ),
};
