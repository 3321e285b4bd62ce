import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { bindingVersion, type NativeRequest } from '../../server/src/engine/binding';
import { addonPath, loadBinding, modelPath, needAddon } from './support';

const request: NativeRequest = {
  job: 1,
  priority: 0,
  tokens: Int32Array.of(1, 2, 3),
  maxTokens: 1,
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  seed: 0,
  banned: new Int32Array(),
  biasTokens: new Int32Array(),
  biasValues: new Float32Array(),
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyWindow: 64,
  allowed: new Int32Array(),
  logprobs: false,
  topLogprobs: 0,
  lookupDraft: 0,
  lookupNgram: 2,
  expected: new Int32Array(0),
  forced: new Int32Array(),
  stopTokens: new Int32Array(),
  stopStrings: [],
  requiredPrefix: '',
  threads: 0,
  shift: false,
  guide: '',
};
const ignore = (): void => undefined;

describe('native addon: the binding', function () {
  this.timeout(60_000);
  before(needAddon);

  it('exports what binding.ts says and nothing else', () => {
    const binding = loadBinding();
    assert.deepEqual(Object.keys(binding).sort(), [
      'bindingVersion',
      'estimate',
      'guideDesk',
      'inspect',
      'kernelTables',
      'kvBytes',
      'kvCodecs',
      'kvFits',
      'kvTokensWithin',
      'load',
      'selfTest',
    ]);
    assert.equal(binding.bindingVersion, bindingVersion);
  });

  it('lists the kernel tables, best first, generic among them', () => {
    const tables = loadBinding().kernelTables();
    const generic = tables.find((table) => table.name === 'generic');
    assert.ok(generic?.supported);
    assert.ok(tables.every((table) => typeof table.needs === 'string'));
  });

  it('rejects senseless arguments with a code and never throws from what returns a promise', async () => {
    const binding = loadBinding();
    const code = { code: 'invalid_argument' };
    const any = binding as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    await assert.rejects(async () => any['load']?.(), code);
    await assert.rejects(async () => any['load']?.({ path: 5 }), code);
    await assert.rejects(async () => any['load']?.({ path: modelPath, threads: 1e9 }), code);
    await assert.rejects(async () => any['inspect']?.(null), code);
    await assert.rejects(async () => any['estimate']?.({ path: modelPath }, 'many'), code);
    await assert.rejects(async () => any['estimate']?.({ path: modelPath }, 0, 'kv5'), code);
    const shape = { layers: 1, kvHeads: 1, headSize: 64 };
    await assert.rejects(async () => any['kvBytes']?.(shape, 'kv4', -1, 0), code);
    await assert.rejects(async () => any['kvBytes']?.(shape, 'kv4', 1, -1), code);
    await assert.rejects(async () => any['kvTokensWithin']?.(shape, 'kv4', 1), code);
    await assert.rejects(async () => any['kvBytes']?.({ ...shape, layers: 1e9 }, 'kv4', 1, 0), code);
    await assert.rejects(async () => any['kvTokensWithin']?.(shape, 4, 1, 0), code);
    await assert.rejects(async () => any['kvFits']?.(), code);

    const model = await binding.load({ path: modelPath });
    const session = await model.openSession(0);
    const wrong: Partial<Record<keyof NativeRequest, unknown>>[] = [
      { job: 'x' },
      { priority: -1 },
      { tokens: [1, 2] },
      { tokens: new Float32Array(2) },
      { maxTokens: 0.5 },
      { temperature: NaN },
      { topK: -1 },
      { topP: undefined },
      { seed: -1 },
      { seed: 2 ** 60 },
      { banned: null },
      { stopStrings: 'stop' },
      { stopStrings: [1] },
      { requiredPrefix: 3 },
      { logprobs: 1 },
      { lookupDraft: 16 },
      { lookupNgram: 1 },
      { forced: [1] },
      { threads: -1 },
    ];
    for (const change of wrong) {
      const promise = session.generate({ ...request, ...change } as NativeRequest, ignore, ignore);
      await assert.rejects(promise, {
        code: 'invalid_argument',
        message: new RegExp(Object.keys(change)[0] as string),
      });
    }
    await assert.rejects(session.generate(request, null as never, ignore), code);
    await assert.rejects(model.tokenize(5 as never, false), code);
    await assert.rejects(model.tokenizeEdited(32, 'x'), code);
    await assert.rejects(model.tokenizeEdited(0, null as never), code);
    assert.throws(() => model.detokenize([1] as never), code);
    assert.equal((await session.generate(request, ignore, ignore)).tokens.length, 1);
    await session.dispose();
    await session.dispose();
    await assert.rejects(session.generate(request, ignore, ignore), code);
    await model.dispose();
    await model.dispose();
    await assert.rejects(model.openSession(0), code);
    await assert.rejects(model.tokenize('x', false), code);
    assert.throws(() => model.detokenize(new Int32Array()), code);
    assert.throws(() => model.findToken('x'), code);
    assert.throws(() => model.specialTokens(), code);
  });

  it('makes its objects only itself', async () => {
    const model = await loadBinding().load({ path: modelPath });
    const Class = model.constructor as new () => typeof model;
    const stranger = new Class();
    assert.throws(() => stranger.findToken('x'), { code: 'invalid_argument' });
    await assert.rejects(stranger.openSession(0), { code: 'invalid_argument' });
    await stranger.dispose();
    await model.dispose();
  });

  it('shows the dynamic linker only the entry points of Node-API, and needs no libstdc++', function () {
    const symbols = spawnSync('nm', ['-D', '--defined-only', addonPath], { encoding: 'utf8' });
    if (process.platform !== 'linux' || symbols.status !== 0) {
      this.skip();
    }
    const names = symbols.stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ').at(-1)?.replace(/@.*/, ''));
    assert.deepEqual(names.sort(), ['node_api_module_get_api_version_v1', 'napi_register_module_v1'].sort());
    const libraries = spawnSync('readelf', ['-d', addonPath], { encoding: 'utf8' }).stdout;
    assert.doesNotMatch(libraries, /libstdc\+\+|libgcc_s/);
  });
});
