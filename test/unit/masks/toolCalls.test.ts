import * as assert from 'node:assert/strict';
import {
  jsonSchemaGrammar,
  llamaCalls,
  taggedGrammar,
  toolCallGrammar,
} from '../../../server/src/conversation/masks';
import { follows, shortestClosing } from '../../../server/src/grammar/closing';
import { toolSchemas } from './schemas';

const tools = ['get_weather', 'read_file'].map((name) => ({ name, parameters: toolSchemas[name] ?? true }));
const call = '<tool_call>\n{"name": "read_file", "arguments": {"path": "a.ts"}}\n</tool_call>';

describe('masks: tool calls', () => {
  it('are written as the template shows them', () => {
    const grammar = toolCallGrammar(tools);
    assert.ok(follows(grammar, call));
    assert.ok(!follows(grammar, `Sure. ${call}`));
    assert.ok(!follows(grammar, `${call}\n${call}`));
    assert.ok(!follows(grammar, call.replace('read_file', 'write_file')));
    assert.ok(!follows(grammar, call.replace('path', 'city')));
    assert.ok(follows(toolCallGrammar(tools, { most: 2 }), `${call}\n${call}`));
    assert.equal(
      shortestClosing(grammar, '<tool_call>\n{"name": "get'),
      '_weather", "arguments": {"city": "", "unit": "kelvin"}}\n</tool_call>',
    );
  });

  it('may stand within text, or must', () => {
    const may = toolCallGrammar(tools, { calls: 'may' });
    for (const text of [
      '',
      'Hello <tool',
      `Let me see.\n${call}`,
      `${call}${call} done`,
      'a < b',
      '<tool_call',
    ]) {
      assert.ok(follows(may, text), text);
    }
    assert.ok(!follows(may, 'Now <tool_call>\n{"name": "rm"'));
    assert.equal(shortestClosing(may, 'Now <tool_call>\n{"name": "rm"'), undefined);
    const must = toolCallGrammar(tools, { calls: 'must' });
    assert.ok(follows(must, `Let me see.\n${call}`));
    assert.ok(!follows(must, 'Let me see.'));
    const closing = shortestClosing(must, 'I <tool_') ?? '';
    assert.match(closing, /^call>\n\{"name": /);
    assert.ok(follows(must, `I <tool_${closing}`));
  });

  it('can be the whole answer', () => {
    const only = toolCallGrammar(tools, { form: llamaCalls, calls: 'must' });
    assert.ok(follows(only, '{"name": "read_file", "parameters": {"path": "x"}}'));
    assert.ok(!follows(only, 'text'));
    const may = toolCallGrammar(tools, { form: llamaCalls, calls: 'may', bounds: { whitespace: 'compact' } });
    assert.ok(follows(may, 'text'));
    assert.ok(follows(may, '{"name":"read_file","parameters":{"path":"x"}}'));
  });

  it('need tools with names of their own', () => {
    assert.throws(() => toolCallGrammar([]), /no tool/);
    assert.throws(() => toolCallGrammar([...tools, ...tools]), /same name/);
  });

  it('tags hold any grammar, each its own', () => {
    const grammar = taggedGrammar([
      { begin: '<n>', content: jsonSchemaGrammar({ type: 'integer' }), end: '</n>' },
      {
        begin: '<l>',
        content: { root: 'l', rules: { l: { kind: 'lines', of: 'one\ntwo\nthree\n' } } },
        end: '</l>',
      },
    ]);
    assert.ok(follows(grammar, 'x <n>12</n> y <l>two\nthree</l> z'));
    assert.ok(!follows(grammar, '<n>a</n>'));
    assert.ok(!follows(grammar, '<l>two\none</l>'));
    assert.equal(shortestClosing(grammar, '<l>t'), 'wo</l>');
  });
});
