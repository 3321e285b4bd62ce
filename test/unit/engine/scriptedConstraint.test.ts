import * as assert from 'node:assert/strict';
import { jsonSchemaGrammar } from '../../../server/src/conversation/masks';
import { EngineError, Priority, ScriptedEngine, type GenerateResult } from '../../../server/src/engine';

const grammar = jsonSchemaGrammar(
  {
    type: 'object',
    properties: { name: { type: 'string' }, list: { type: 'array', items: { type: 'integer' } } },
    required: ['name', 'list'],
  },
  { whitespace: 'spaced' },
);
const whole = '{"name": "some <|im_end|> name", "list": [1, 22, 333, 4444, 55555]}';

async function ask(answer: string, maxTokens = 500, root = grammar.root): Promise<GenerateResult> {
  const engine = new ScriptedEngine({ answer: () => answer });
  const { model } = await engine.load({ path: '/m.gguf' });
  const session = await engine.openSession(model, 0);
  const tokens = await engine.tokenize(model, 'prompt', false);
  const constraint = { grammar: { ...grammar, root } };
  return engine.generate(
    { session, job: 1, priority: Priority.chat, tokens, maxTokens, constraint },
    () => undefined,
  );
}
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof EngineError ? error.code : 'other'),
  );

describe('scripted engine: constraints', () => {
  it('says an answer that follows the constraint, control tokens in it as text', async () => {
    const result = await ask(whole);
    assert.equal(result.text, whole);
    assert.equal(result.reason, 'end_of_text');
    assert.deepEqual(result.guided, { forced: 0, waitMs: 0 });
  });

  it('completes what is only a beginning, and what there are too few tokens for', async () => {
    assert.equal((await ask('{"name": "x')).text, '{"name": "x", "list": []}');
    const tokens = (await ask(whole)).tokens.length;
    const seen = new Set<string>();
    for (let most = tokens - 1; most > 15; most -= 1) {
      const { text, tokens: said } = await ask(whole, most);
      assert.ok(said.length <= most);
      JSON.parse(text);
      seen.add(text);
    }
    assert.ok(seen.size > 5);
  });

  it('refuses too few tokens, an answer of another form, and a grammar that cannot be followed', async () => {
    assert.equal(await codeOf(ask(whole, 3)), 'invalid_argument');
    assert.equal(await codeOf(ask('Sure! {"name"')), 'invalid_argument');
    assert.equal(await codeOf(ask(whole, 500, 'nobody')), 'unsupported');
  });
});
