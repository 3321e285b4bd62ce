/** How models are best asked, with the real engine: the embedded model, whose file says it, and files that say nothing. */
import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNativeEngine } from '../../server/src/engine/nativeEngine';
import { decide, probeModel, snippets, strategiesOf } from '../../server/src/models';
import { shapeNamed, writeGguf } from '../support/ggufWriter';
import { addonPath, Bench, needAddon } from './support';

const never = new AbortController().signal;
const chatTemplate =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

describe('native: how a model is best asked', function () {
  this.timeout(120_000);

  it('the embedded model: suffix first, as its file says; it never learnt prefix first', async () => {
    const bench = await Bench.open(1);
    const { engine, model, info } = bench;
    const { available, named } = await strategiesOf(engine, model, info);
    assert.equal(named?.key, 'fim.template.spm');
    assert.deepEqual(
      available.map(({ kind }) => kind),
      ['suffixFirst', 'prefixFirst', 'prefixOnly'],
    );
    const started = performance.now();
    const scores = await probeModel({ engine, model, info, strategies: available }, {}, never);
    const finding = decide(scores);
    console.log(`      ${String(finding?.reason)} (${(performance.now() - started).toFixed(0)} ms)`);
    assert.equal(finding?.kind, 'suffixFirst');
    const known = (kind: 'prefixFirst' | 'prefixOnly'): number[] =>
      (scores[kind] ?? []).map((score) => score ?? assert.fail(`${kind}: a snippet has no room`));
    assert.equal(known('prefixOnly').length, snippets.length);
    // And the same once more: nothing in it is left to chance.
    assert.deepEqual(await probeModel({ engine, model, info, strategies: available }, {}, never), scores);
    await engine.dispose();
  });

  it('a file of the Qwen3 shape that says nothing, with a chat template: all ways can be tried', async () => {
    needAddon();
    const folder = mkdtempSync(join(tmpdir(), 'niwaki-'));
    try {
      const path = join(folder, 'qwen.gguf');
      // The embedded model's vocabulary and Qwen3's other tokens; a few layers are enough for the plumbing.
      const shape = { ...shapeNamed('qwen3-1.7B', 1), embedding: 256, feedForward: 512, vocabulary: 17_000 };
      writeGguf(path, { shape, metadata: { 'tokenizer.chat_template': { string: chatTemplate } } });
      const engine = createNativeEngine({ addonPath });
      const { model, info } = await engine.load({ path, threads: 1 });
      const { available, named, missing } = await strategiesOf(engine, model, info);
      assert.equal(named, undefined);
      assert.deepEqual(missing, {});
      assert.deepEqual(
        available.map(({ kind }) => kind),
        ['suffixFirst', 'prefixFirst', 'prefixOnly', 'chat'],
      );
      const scores = await probeModel({ engine, model, info, strategies: available }, {}, never);
      for (const { kind } of available) {
        assert.ok(scores[kind]?.every((score) => score !== null && score < 0), kind);
      }
      // Random weights: no way is better than another.
      assert.equal(decide(scores)?.kind, 'prefixOnly');
      await engine.dispose();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is broken off at once, and leaves the model free', async () => {
    const { engine, model, info } = await Bench.open(1);
    const { available } = await strategiesOf(engine, model, info);
    const controller = new AbortController();
    const progress = {};
    const probing = probeModel({ engine, model, info, strategies: available }, progress, controller.signal);
    setTimeout(() => {
      controller.abort();
    }, 20);
    await assert.rejects(probing);
    assert.deepEqual((await engine.jobs(model)).jobs, []);
    const scores = await probeModel({ engine, model, info, strategies: available }, progress, never);
    assert.equal(decide(scores)?.kind, 'suffixFirst', 'it goes on where it was');
    await engine.dispose();
  });
});
