import * as assert from 'node:assert/strict';
import {
  ChatTemplate,
  parseToolCalls,
  toolSyntaxOf,
  type ToolCall,
  type ToolDefinition,
} from '../../../server/src/conversation';
import { chatMl, headers, xmlCalls } from '../../support/chatTemplates';

const tools: readonly ToolDefinition[] = [
  {
    name: 'search',
    description: 'Finds text.',
    parameters: {
      type: 'object',
      properties: {
        query: { type: 'string', description: 'What' },
        limit: { type: 'integer', description: 'How many' },
        exact: { type: 'boolean', description: 'x' },
        kinds: { type: 'array', description: 'x' },
        more: { type: ['string', 'null'], description: 'x' },
      },
    },
  },
];
const calls: readonly ToolCall[] = [
  { name: 'search', arguments: { query: 'a' } },
  {
    name: 'search',
    arguments: { query: '', limit: 20, exact: false, kinds: ['x', { y: null }], more: null },
  },
  {
    name: 'search',
    arguments: { query: '</tool_call> "quoted" \\ \n  lines\n\n</parameter>\nä {"a": 1}', limit: -1 },
  },
  { name: 'search', arguments: { query: '42', more: 'true' } },
  { name: 'search', arguments: {} },
];

describe('conversation: tool calls in an answer', () => {
  for (const [syntax, template, end] of [
    ['hermes', chatMl, '<|im_end|>'],
    ['xml', xmlCalls, '<|im_end|>'],
    ['llama', headers, '<|eot_id|>'],
  ] as const) {
    it(`are read back as a template writes them: ${syntax}`, () => {
      const show = (call: ToolCall, withTools: boolean): string =>
        new ChatTemplate(template).render({
          messages: [
            { role: 'user', content: 'Go' },
            { role: 'assistant', content: 'MARK', toolCalls: [call] },
          ],
          ...(withTools ? { tools } : {}),
          thinking: false,
          answer: false,
        });
      assert.equal(toolSyntaxOf(show(calls[0] as ToolCall, true)), syntax);
      for (const call of calls) {
        const text = show(call, false);
        const from =
          syntax === 'llama' ? text.lastIndexOf('<|end_header_id|>') + 17 : text.indexOf('MARK') + 4;
        const written = text.slice(from, text.lastIndexOf(end));
        assert.deepEqual(parseToolCalls(written, syntax, tools), { text: '', calls: [call], problems: [] });
      }
    });
  }

  it('keeps what was said besides', () => {
    const one = '<tool_call>\n{"name": "a", "arguments": {}}\n</tool_call>';
    const said = parseToolCalls(`I will.\n${one}\n${one} Then.`, 'hermes');
    assert.equal(said.calls.length, 2);
    assert.equal(said.text, 'I will.\n\n Then.');
    assert.deepEqual(parseToolCalls('No call.', 'xml'), { text: 'No call.', calls: [], problems: [] });
    assert.deepEqual(parseToolCalls('{"a": 1} is JSON', 'llama').calls, []);
  });

  it('says what is wrong', () => {
    const problem = (text: string, syntax: 'hermes' | 'xml' | 'llama'): string => {
      const said = parseToolCalls(text, syntax, tools);
      assert.equal(said.calls.length, 0);
      return said.problems.map((one) => one.problem).join();
    };
    assert.match(problem('<tool_call>{"name": "a"', 'hermes'), /not finished/);
    assert.match(problem('<tool_call>{"name": }</tool_call>', 'hermes'), /no JSON: /);
    assert.match(problem('<tool_call>[1]</tool_call>', 'hermes'), /no JSON object/);
    assert.match(problem('<tool_call>{"arguments": {}}</tool_call>', 'hermes'), /no "name"/);
    assert.match(
      problem('<tool_call>{"name": "a", "arguments": [1]}</tool_call>', 'hermes'),
      /"arguments" of "a"/,
    );
    assert.match(problem('<tool_call>\n<function=a>\n<parameter=b>\nc', 'xml'), /not finished/);
    assert.match(problem('<tool_call>\n<function=>\n</function>\n</tool_call>', 'xml'), /no <function=name>/);
    assert.match(
      problem('<tool_call>\n<function=a>\n<parameter=b>\nc\n</tool_call>', 'xml'),
      /<\/function> is missing/,
    );
    assert.match(
      problem('<tool_call>\n<function=a>\n<parameter=b>\nc\n</function>\n</tool_call>', 'xml'),
      /parameter "b" of "a" is not finished/,
    );
    assert.match(
      problem('<tool_call>\n<function=a>\nwords\n</function>\n</tool_call>', 'xml'),
      /something else than parameters/,
    );
    assert.match(problem('{"name": "a", "parameters": {', 'llama'), /no JSON/);
  });

  it('takes what models write instead', () => {
    const first = (text: string, syntax: 'hermes' | 'xml' | 'llama'): ToolCall | undefined =>
      parseToolCalls(text, syntax, tools).calls[0];
    const want = { name: 'search', arguments: { query: 'a' } };
    assert.deepEqual(
      first('<tool_call>{"name": "search", "parameters": {"query": "a"}}</tool_call>', 'hermes'),
      want,
    );
    assert.deepEqual(
      first('<tool_call>{"name": "search", "arguments": "{\\"query\\": \\"a\\"}"}</tool_call>', 'hermes'),
      want,
    );
    assert.deepEqual(
      first('<tool_call>{"name": "search", "arguments": {"query": "a"}}</tool_call>', 'xml'),
      want,
    );
    assert.deepEqual(first('<|python_tag|>{"name": "search", "parameters": {"query": "a"}}', 'llama'), want);
    assert.equal(
      parseToolCalls('{"name": "a", "parameters": {}}; {"name": "b", "parameters": {}}', 'llama').calls
        .length,
      2,
    );
    assert.deepEqual(
      first(
        '<tool_call>\n<function=search>\n<parameter=exact>\nTrue\n</parameter>\n</function>\n</tool_call>',
        'xml',
      )?.arguments,
      { exact: true },
    );
  });
});
