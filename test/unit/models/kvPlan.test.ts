import * as assert from 'node:assert/strict';
import { ScriptedEngine, type KvCodec, type ModelInfo } from '../../../server/src/engine';
import {
  calibrationInWords,
  contextInWords,
  heldBudget,
  kvBudget,
  machineMemory,
  planKv,
  type KvPlan,
} from '../../../server/src/models';

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

describe('models: memory for the KV cache', () => {
  it('is a quarter of the machine, and no more than half of what is free', () => {
    assert.equal(kvBudget(0, { total: 16 * gibibyte, free: 12 * gibibyte }), 4 * gibibyte);
    assert.equal(kvBudget(0, { total: 16 * gibibyte, free: 2 * gibibyte }), gibibyte);
    assert.equal(kvBudget(0, { total: 4 * gibibyte, free: 1000 }), 128 * mebibyte, 'a moment without memory');
  });

  it('is what the user grants, as far as the machine has it', () => {
    assert.equal(kvBudget(300, { total: 16 * gibibyte, free: 0 }), 300 * mebibyte);
    assert.equal(kvBudget(1e6, { total: gibibyte, free: gibibyte }), gibibyte);
    assert.equal(heldBudget(300, 300 * mebibyte, mebibyte), 300 * mebibyte, 'taken at its word');
  });

  it('is not filled with what closed files have left behind, where the model is small', () => {
    assert.equal(heldBudget(0, 4 * gibibyte, 3 * mebibyte), 48 * mebibyte);
    assert.equal(heldBudget(0, 4 * gibibyte, gibibyte), 4 * gibibyte);
  });

  it('knows the machine', () => {
    const { total, free } = machineMemory();
    assert.ok(total > 64 * mebibyte && total < 2 ** 50 && free > 0 && free <= total);
  });
});

describe('models: the plan for a KV cache', () => {
  async function plan(
    info: Partial<ModelInfo>,
    budget: number,
    maxContextTokens = 0,
    kvCodec: KvCodec = 'kv4',
    careful?: number,
  ): Promise<KvPlan> {
    const engine = new ScriptedEngine({ contextLength: 32768, info: { headSize: 64, ...info } });
    const loaded = await engine.load({ path: 'm' });
    return planKv(engine, loaded.info, { kvCodec, kvMemoryMB: 0, maxContextTokens }, budget, careful);
  }

  it('takes the least of what model, memory and user allow', async () => {
    assert.equal((await plan({}, 1e9)).context, 32768);
    assert.equal((await plan({}, 1e9, 4096)).context, 4096);
    // 2 x 64 values of 4 bits.
    assert.equal((await plan({}, 64 * 9000)).context, 9000);
    assert.equal((await plan({}, 64 * 9000, 0, 'f16')).context, 2000);
    assert.equal((await plan({}, 64 * 9000, 1000)).context, 1000);
  });

  it('leaves room for careful layers, under the codecs that have them', async () => {
    const four = { layers: 4 };
    const { context, bytes, carefulLayers } = await plan(four, 4 * 64 * 10000, 0, 'kv4', 1);
    assert.deepEqual([context, bytes, carefulLayers], [8000, 8000 * 5 * 64, 1]);
    assert.equal((await plan(four, 4 * 64 * 10000)).context, 10000);
    assert.equal((await plan({ ...four, kvCarefulLayers: 1 }, 4 * 64 * 10000)).context, 8000);
    for (const codec of ['f16', 'kv8'] as const) {
      const plain = await plan(four, 1e6, 0, codec);
      assert.deepEqual(await plan(four, 1e6, 0, codec, 2), plain, codec);
    }
  });

  it('keeps a little context however little memory there is, and never more than the model has', async () => {
    assert.equal((await plan({}, 10)).context, 256);
    assert.equal((await plan({}, 1e9, 3)).context, 256);
    assert.equal((await plan({ contextLength: 100 }, 10)).context, 100);
  });

  it('falls back to half precision where the heads cannot be coded, and says so', async () => {
    const odd = await plan({ headSize: 80 }, 1e9);
    assert.equal(odd.codec, 'f16');
    assert.match(odd.note, /half precision.*heads have 80 values.*kv4 needs 32, 64, 128 or 256/);
    assert.equal(odd.bytes, 32768 * 2 * 2 * 80);
    assert.equal((await plan({ headSize: 80 }, 1e9, 0, 'f16')).note, '', 'as it was asked for');
    assert.equal((await plan({}, 1e9)).note, '');
  });

  it('is put in words', () => {
    const words = (context: number, codec: KvCodec, bytes: number): string =>
      contextInWords({ context, codec, carefulLayers: 0, bytes, budget: 0, note: '' });
    assert.equal(
      words(32768, 'kv4', 1.24e9),
      '32,768 tokens (about 3,600 lines), KV cache kv4, up to 1.2 GB',
    );
    assert.equal(words(2048, 'f16', 8.4e6), '2,048 tokens (about 230 lines), KV cache f16, up to 8 MB');
    assert.match(words(256, 'kv8', 1000), /about 30 lines.*up to 1 MB/);
    const coded: KvPlan = { context: 1, codec: 'kv4', carefulLayers: 0, bytes: 1, budget: 1, note: '' };
    assert.match(calibrationInWords(coded, 'norms'), /not calibrated/);
    assert.equal(calibrationInWords(coded, 'text'), 'calibrated on a text');
    assert.match(calibrationInWords({ ...coded, carefulLayers: 1 }, 'text'), /text, 1 layer at 8 bits$/);
    assert.match(calibrationInWords({ ...coded, carefulLayers: 2 }, 'text'), /text, 2 layers at 8 bits$/);
    assert.match(calibrationInWords({ ...coded, codec: 'f16' }, 'norms'), /needs no/);
  });
});
