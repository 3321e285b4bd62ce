import * as assert from 'node:assert/strict';
import type { GenerateEvent, SamplingOptions } from '../../server/src/engine/port';
import { Bench, codeOf, modelPath, newJob } from './support';

describe('native engine: tokens and text', function () {
  this.timeout(60_000);
  let bench: Bench;

  before(async () => {
    bench = await Bench.open();
  });
  after(async () => {
    await bench.engine.dispose();
  });

  it('tells what it has loaded', () => {
    const { info } = bench;
    assert.equal(info.path, modelPath);
    assert.equal(info.architecture, 'qwen3');
    assert.ok(
      info.contextLength >= 1024 && info.vocabSize > 1000 && info.layers > 0 && info.parameters > 1e6,
    );
    assert.ok(info.eos >= 0);
    assert.equal(info.metadata['general.architecture'], 'qwen3');
  });

  const texts = ['', 'const x = 1;\r\n\t', 'naïve façade — “quotes” 漢字かな 👩‍💻', 'a\u0000b', ' \n\n  \t x'];
  for (const text of texts) {
    it(`tokenizes and detokenizes ${JSON.stringify(text)}`, async () => {
      const tokens = await bench.tokenize(text);
      assert.equal(await bench.engine.detokenize(bench.model, tokens), text);
    });
  }

  it('knows control tokens only where it is told to', async () => {
    const { engine, model } = bench;
    const middle = await engine.findToken(model, '<|fim_middle|>');
    assert.ok(middle >= 0);
    assert.deepEqual(await engine.tokenize(model, '<|fim_middle|>', true), [middle]);
    const plain = await engine.tokenize(model, '<|fim_middle|>', false);
    assert.ok(!plain.includes(middle));
    assert.equal(await engine.findToken(model, 'surely no token of any model'), -1);
  });

  it('lists what it looks for as a whole', async () => {
    const { engine, model } = bench;
    const specials = await engine.specialTokens(model);
    assert.ok(specials.some(({ text, inAllText }) => text === '<|fim_middle|>' && !inAllText));
    for (const { id, text, inAllText } of specials) {
      assert.equal(await engine.findToken(model, text), id);
      assert.deepEqual(await engine.tokenize(model, text, true), [id]);
      assert.equal((await engine.tokenize(model, text, false)).includes(id), inAllText);
    }
  });

  it('streams tokens before the promise settles, and the joined text is the result', async () => {
    const events: GenerateEvent[] = [];
    let settled = false;
    let afterSettling = 0;
    const promise = bench.generate(
      {
        tokens: await bench.tokenize('function add(a, b) {\n  return'),
        sampling: { banned: [bench.info.eos], logprobs: true },
      },
      (event) => {
        events.push(event);
        afterSettling += settled ? 1 : 0;
      },
    );
    void promise.then(() => {
      settled = true;
    });
    const result = await promise;
    const count = events.length;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(events.length, count, 'no event comes late');
    assert.equal(afterSettling, 0);
    const tokens = events.filter((event) => event.kind === 'token');
    assert.equal(result.tokens.length, 16);
    assert.equal(result.reason, 'max_tokens');
    assert.equal(tokens.map((event) => event.text).join(''), result.text);
    assert.ok(result.text.length > 0);
    assert.ok(tokens.every(({ logprob = NaN }) => logprob <= 0 && Number.isFinite(logprob)));
    assert.ok(tokens.length >= result.tokens.length);
  });

  it('tells how far the evaluation of a long prompt is', async () => {
    const tokens = await bench.prompt('progress', 1000);
    const done: number[] = [];
    await bench.generate({ tokens, maxTokens: 0 }, (event) => {
      if (event.kind === 'prefill') {
        assert.equal(event.total, tokens.length);
        done.push(event.done);
      }
    });
    assert.ok(done.length > 1, 'a long prompt takes several chunks');
    assert.deepEqual(
      [...done].sort((a, b) => a - b),
      done,
    );
    assert.equal(done.at(-1), tokens.length);
  });

  it('counts the tokens that it reuses and computes', async () => {
    const tokens = await bench.prompt('counters', 300);
    const first = await bench.generate({ tokens, maxTokens: 8 });
    assert.ok(first.reused <= 2, `${String(first.reused)} of a text never seen`);
    assert.equal(first.reused + first.evaluated, tokens.length);

    // Typing on along the suggestion: what was generated is cached, all but its last token.
    const typed = [...tokens, ...first.tokens, ...(await bench.tokenize(' typed'))];
    const second = await bench.generate({ tokens: typed, maxTokens: 8 });
    assert.equal(second.reused + second.evaluated, typed.length);
    assert.ok(
      second.reused >= tokens.length + first.tokens.length - 1,
      `only ${String(second.reused)} reused`,
    );

    // A change in the middle keeps what lies before it.
    const changed = [...tokens.slice(0, 150), ...(await bench.tokenize('@@@@')), ...tokens.slice(150)];
    const third = await bench.generate({ tokens: changed, maxTokens: 0 });
    assert.equal(third.reused + third.evaluated, changed.length);
    assert.ok(third.reused >= 149 && third.reused <= 152, String(third.reused));
  });

  it('says the same for the same tokens, whatever was cached', async () => {
    const tokens = await bench.prompt('same', 200);
    const cold = await bench.generate({ tokens });
    const warm = await bench.generate({ tokens });
    assert.ok(warm.reused > cold.reused);
    assert.deepEqual(warm.tokens, cold.tokens);
    const sampling = { temperature: 0.9, topK: 40, topP: 0.95, seed: 7, banned: [bench.info.eos] };
    const sampled = await bench.generate({ tokens, sampling });
    assert.deepEqual((await bench.generate({ tokens, sampling })).tokens, sampled.tokens);
  });

  it('stops at stop strings and stop tokens, and never says banned tokens', async () => {
    const tokens = await bench.tokenize('for (let i = 0; i < 10; i++) {\n');
    const free = await bench.generate({ tokens, maxTokens: 12 });
    const stopString = free.text.slice(3, 6);
    const stopped = await bench.generate({ tokens, maxTokens: 12, stopStrings: [stopString] });
    assert.equal(stopped.reason, 'stop_string');
    assert.equal(stopped.text, free.text.slice(0, free.text.indexOf(stopString)));

    const third = free.tokens[2] as number;
    const cut = await bench.generate({ tokens, maxTokens: 12, stopTokens: [third] });
    assert.equal(cut.reason, 'stop_token');
    assert.deepEqual(cut.tokens, free.tokens.slice(0, free.tokens.indexOf(third)));

    const banned = await bench.generate({
      tokens,
      maxTokens: 12,
      sampling: { banned: [...free.tokens, bench.info.eos] },
    });
    assert.ok(banned.tokens.every((id) => !free.tokens.includes(id)));
  });

  it('begins with the required prefix', async () => {
    const tokens = await bench.tokenize('  if (x > 0) {\n    ');
    for (const requiredPrefix of ['ret', 'consol', '漢']) {
      const result = await bench.generate({ tokens, requiredPrefix });
      assert.ok(result.text.startsWith(requiredPrefix), `${requiredPrefix}: ${result.text}`);
    }
  });

  it('biases, penalises, restricts and lists alternatives', async () => {
    const { info } = bench;
    const tokens = await bench.tokenize('for (let i = 0; i < 10; i');
    const first = async (sampling: SamplingOptions): Promise<GenerateEvent & { kind: 'token' }> => {
      const events: GenerateEvent[] = [];
      await bench.generate({ tokens, maxTokens: 1, sampling }, (event) => events.push(event));
      const token = events.find((event) => event.kind === 'token');
      assert.ok(token?.kind === 'token');
      return token;
    };
    const plain = await first({ topLogprobs: 3 });
    assert.equal(plain.top?.length, 3);
    assert.equal(plain.top[0]?.id, plain.id);
    assert.equal(plain.top[0].logprob, plain.logprob);
    const all = (await first({ topLogprobs: info.vocabSize })).top ?? [];
    assert.equal(new Set(all.map(({ id }) => id)).size, info.vocabSize, 'the whole distribution, if asked for');
    const total = all.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0);
    assert.ok(Math.abs(total - 1) < 1e-4, String(total));
    const second = plain.top[1] ?? assert.fail();
    assert.equal((await first({})).top, undefined);
    assert.equal('logprob' in (await first({})), false);
    assert.equal((await first({ logprobs: true })).logprob, plain.logprob);
    assert.equal((await first({ logitBias: [{ id: second.id, bias: 50 }] })).id, second.id);
    assert.equal((await first({ logitBias: [{ id: plain.id, bias: -50 }] })).id, second.id);
    const allowed = new Array<number>(Math.ceil(info.vocabSize / 32)).fill(0);
    allowed[second.id >> 5] = 1 << (second.id & 31);
    assert.equal((await first({ allowed })).id, second.id);
    allowed[second.id >> 5] = 2 ** 31 + 2 ** (second.id & 31); // bit 31 as an unsigned word
    assert.ok([second.id, second.id | 31].includes((await first({ allowed })).id));
    assert.equal(await codeOf(first({ allowed: [0] })), 'invalid_argument');
    for (const word of [2 ** 32, -(2 ** 31) - 1, 0.5, NaN]) {
      await assert.rejects(first({ allowed: [1, word] }), /allowed\[1\] is .* no word of 32 bits/);
    }
    const logitBias = [plain.id, info.vocabSize].map((id) => ({ id, bias: 1 }));
    await assert.rejects(first({ logitBias }), /logitBias names the token \d+; this model has the tokens 0 to/);
    assert.equal(await codeOf(first({ repetitionPenalty: 0 })), 'invalid_argument');
    const repeated = await bench.generate({ tokens, maxTokens: 40, sampling: { banned: [info.eos] } });
    const fresh = await bench.generate({
      tokens,
      maxTokens: 40,
      sampling: { banned: [info.eos], presencePenalty: 100, penaltyWindow: 0 },
    });
    assert.equal(new Set(fresh.tokens).size, fresh.tokens.length, 'no token twice');
    assert.ok(new Set(repeated.tokens).size < repeated.tokens.length, 'without the penalty there are');
  });

  it('gives the reason of every refusal', async () => {
    const { engine, model, session, info } = bench;
    assert.equal(await codeOf(engine.load({ path: '/no/such/file.gguf' })), 'not_found');
    assert.equal(await codeOf(engine.load({ path: __filename })), 'bad_file');
    assert.equal(await codeOf(engine.load({ path: modelPath, kernels: 'abacus' })), 'not_found');
    assert.equal(await codeOf(bench.generate({ tokens: [] })), 'invalid_argument');
    assert.equal(await codeOf(bench.generate({ tokens: [info.vocabSize + 5] })), 'invalid_argument');
    assert.equal(await codeOf(bench.generate({ tokens: [-1] })), 'invalid_argument');
    assert.equal(await codeOf(bench.generate({ tokens: [1.5] })), 'invalid_argument');
    assert.equal(await codeOf(bench.generate({ tokens: [1], maxTokens: -1 })), 'invalid_argument');
    const tooLong = await bench.prompt('long', info.contextLength + 1);
    assert.equal(await codeOf(bench.generate({ tokens: tooLong })), 'context_overflow');
    assert.equal(await codeOf(engine.tokenize(model + 999, 'x', false)), 'invalid_argument');
    assert.equal(await codeOf(engine.openSession(model, -1)), 'invalid_argument');
    assert.equal(await codeOf(engine.closeSession(session + 999)), 'invalid_argument');
    assert.equal(await codeOf(engine.inspect('/no/such/file.gguf')), 'not_found');
    engine.cancel(newJob());
    assert.equal(
      (await bench.generate({ tokens: [1, 2, 3] })).tokens.length,
      16,
      'it works on after all that',
    );
  });

  it('looks into files and estimates memory', async () => {
    const { engine, info } = bench;
    const summary = await engine.inspect(modelPath);
    assert.equal(summary.problem, '');
    assert.equal(summary.fingerprint, info.fingerprint);
    assert.equal(summary.metadata['general.architecture'], 'qwen3');
    assert.equal(
      summary.tensors.reduce((sum, tensor) => sum + tensor.shape.reduce((a, b) => a * b, 1), 0),
      info.parameters,
    );
    const estimate = await engine.estimate({ path: modelPath }, 512);
    assert.equal(estimate.kv, 512 * info.kvBytesPerToken);
    assert.ok(estimate.mapped >= summary.fileBytes);
  });

  it('passes on what a callback throws, and works on', async () => {
    const tokens = await bench.tokenize('let');
    const thrown = bench.generate({ tokens, maxTokens: 500 }, (event) => {
      if (event.kind === 'token') {
        throw new TypeError('mine');
      }
    });
    await assert.rejects(thrown, new TypeError('mine'));
    assert.equal((await bench.generate({ tokens })).tokens.length, 16);
  });
});
