import * as assert from 'node:assert/strict';
import type { GenerateEvent, GenerateRequest, GenerateResult } from '../../server/src/engine/port';
import { Bench, codeOf } from './support';

describe('native engine: prompt lookup and forced tokens', function () {
  this.timeout(60_000);
  let bench: Bench;

  before(async () => {
    bench = await Bench.open();
  });
  after(async () => {
    await bench.engine.dispose();
  });

  const list = "const colors = [\n  'red',\n  'green',\n  'blue',\n];\n";

  async function run(
    request: Partial<GenerateRequest> & Pick<GenerateRequest, 'tokens'>,
  ): Promise<{ result: GenerateResult; events: GenerateEvent[] }> {
    const events: GenerateEvent[] = [];
    const result = await bench.generate(request, (event) => {
      if (event.kind === 'token') {
        events.push(event);
      }
    });
    return { result, events };
  }

  it('says the same in fewer passes, greedy and sampled', async () => {
    const tokens = await bench.tokenize(list + list + list + 'const colors = [\n');
    const sampled = { temperature: 0.7, topP: 0.9, banned: [bench.info.eos], logprobs: true };
    let accepted = 0; // later on, the engine may have found that drafts do not pay here
    for (const sampling of [{ banned: [bench.info.eos] }, { ...sampled, seed: 1 }, { ...sampled, seed: 2 }]) {
      const plain = await run({ tokens, maxTokens: 60, sampling });
      const lookup = await run({ tokens, maxTokens: 60, sampling, lookup: {} });
      assert.deepEqual(lookup.result.tokens, plain.result.tokens);
      assert.equal(lookup.result.text, plain.result.text);
      assert.deepEqual(lookup.events, plain.events);
      assert.deepEqual([plain.result.drafted, plain.result.accepted], [0, 0]);
      assert.equal(plain.result.batches, plain.result.tokens.length - 1, 'the prompt gave the first token');
      assert.ok(lookup.result.accepted <= lookup.result.drafted);
      assert.equal(lookup.result.batches, plain.result.batches - lookup.result.accepted);
      accepted += lookup.result.accepted;
    }
    assert.ok(accepted > 0);
  });

  it('says forced tokens, with the probabilities that the model gives them', async () => {
    const tokens = await bench.tokenize(list);
    const forced = await bench.tokenize("const shapes = [\n  'circle',\n];\n");
    const sampling = { banned: [bench.info.eos], logprobs: true };
    const { result, events } = await run({ tokens, forced, maxTokens: forced.length, sampling });
    assert.deepEqual(result.tokens, forced);
    const first = await run({ tokens, forced: forced.slice(0, 1), maxTokens: 3, sampling });
    assert.deepEqual(first.events[0], events[0]);
    assert.equal(first.result.tokens.length, 3);
    const free = await run({ tokens: [...tokens, ...forced.slice(0, 1)], maxTokens: 2, sampling });
    assert.deepEqual(first.result.tokens.slice(1), free.result.tokens, 'then the model speaks for itself');
    assert.equal(await codeOf(run({ tokens, forced: [bench.info.vocabSize] })), 'invalid_argument');
    assert.equal(await codeOf(run({ tokens, forced: [-1] })), 'invalid_argument');
  });

  it('takes what is expected for a draft, and says what it says without', async () => {
    const tokens = await bench.tokenize('const first = 1;\n');
    const sampling = { banned: [bench.info.eos] };
    const plain = await run({ tokens, maxTokens: 24, sampling });
    // The engine drafts where that pays by what passes have taken lately: on a busy machine a single answer may go without.
    let fewer = 0;
    for (let round = 0; fewer <= 0 && round < 20; round += 1) {
      for (const expected of [plain.result.tokens, plain.result.tokens.slice(0, 5), [7, 8, 9]]) {
        const aided = await run({ tokens, maxTokens: 24, sampling, lookup: { expected } });
        assert.deepEqual(aided.result.tokens, plain.result.tokens);
        fewer += Math.max(0, plain.result.batches - aided.result.batches);
      }
    }
    assert.ok(fewer > 0);
    const lookup = { expected: [bench.info.vocabSize] };
    assert.equal(await codeOf(run({ tokens, lookup })), 'invalid_argument');
  });

  it('refuses senseless drafts', async () => {
    const tokens = await bench.tokenize(list);
    assert.equal(await codeOf(run({ tokens, lookup: { maxDraft: 16 } })), 'invalid_argument');
    assert.equal(await codeOf(run({ tokens, lookup: { minNgram: 1 } })), 'invalid_argument');
  });
});
