import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bindingVersion } from '../../../server/src/engine/binding';
import { createNativeEngine } from '../../../server/src/engine/nativeEngine';
import type { SelfTestReport } from '../../../server/src/engine/selfTest';

/**
 * What the port adds to the addon: the self-test before anything, handles, codes, the rules of shutting down. The addon is
 * played by a script; the real one is tested in test/native.
 */
const addonSource = `
  const tables = ['best', 'generic', 'oracle'].map((name) => ({ name, needs: '', supported: true, allowed: true }));
  const fail = (code, message) => Object.assign(new Error(message), { code });
  exports.log = [];
  exports.bindingVersion = ${String(bindingVersion)};
  exports.kernelTables = () => tables;
  exports.selfTest = (kernels) => { if (kernels === 'best') throw new Error('wrong sums'); };
  exports.inspect = async (path) => { throw fail('bad_file', path + ' is torn'); };
  exports.estimate = async (options, context) => ({ weights: 1, kv: context, scratch: 0, mapped: 0, kernels: options.kernels });
  exports.load = async (options) => {
    exports.log.push('load ' + options.kernels);
    if (options.path === 'strange') throw new RangeError('not ours');
    await new Promise((resolve) => setTimeout(resolve, options.path === 'slow' ? 50 : 0));
    return {
      info: { name: 'Fake', kernels: options.kernels },
      tokenize: async (text) => Int32Array.from(text, (c) => c.charCodeAt(0)),
      detokenize: (ids) => String.fromCharCode(...ids),
      findToken: () => 7,
      specialTokens: () => [{ id: 7, text: 'hi', inAllText: false }],
      jobs: () => ({ jobs: [], scratchBytes: 5 }),
      calibrateKv: (request) => new Promise((resolve, reject) => {
        exports.log.push('calibrate ' + JSON.stringify(request));
        exports.cancelKv = () => reject(fail('cancelled', 'The request was cancelled.'));
      }),
      measureKv: async (request) => request,
      useKvCalibration: async (bytes) => { throw fail('bad_file', bytes.length + ' bytes are none'); },
      cancel: (job) => { exports.log.push('cancel ' + job); exports.cancelKv(); },
      dispose: async () => { exports.log.push('dispose model'); },
      openSession: async () => {
        let end;
        return {
          generate: (request, onToken, onPrefill) => new Promise((resolve, reject) => {
            exports.log.push('generate ' + JSON.stringify(request));
            end = resolve;
            try { onPrefill(1, 2); onToken(65, 'A', -1); } catch (error) { reject(error); return; }
            if (request.maxTokens === 1) end({ tokens: Int32Array.of(65), text: 'A', reason: 'max_tokens', reused: 0, evaluated: 2 });
          }),
          cancel: () => end({ tokens: Int32Array.of(65), text: 'A', reason: 'cancelled', reused: 0, evaluated: 2 }),
          dispose: async () => { exports.log.push('dispose session'); },
        };
      },
    };
  };
`;

describe('native engine port', function () {
  this.timeout(30_000);
  let folder: string;
  let addonPath: string;
  let log: string[];
  let files = 0;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki-port-'));
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    files += 1;
    addonPath = join(folder, `addon${String(files)}.cjs`);
    writeFileSync(addonPath, addonSource);
    log = (require(addonPath) as { log: string[] }).log;
  });

  it('touches the addon only after the self-test, and loads with the table that passed', async () => {
    const reports: SelfTestReport[] = [];
    const engine = createNativeEngine({ addonPath, onSelfTest: (report) => reports.push(report) });
    const [first, second] = await Promise.all([engine.load({ path: 'a' }), engine.load({ path: 'b' })]);
    assert.equal(first.info.kernels, 'generic');
    assert.notEqual(first.model, second.model);
    assert.equal(reports.length, 1);
    assert.deepEqual(log, ['load generic', 'load generic']);
    const tables = await engine.kernelTables();
    assert.deepEqual(
      tables.map((table) => [table.name, table.supported]),
      [
        ['best', false],
        ['generic', true],
        ['oracle', true],
      ],
    );
    assert.equal((await engine.estimate({ path: 'a' }, 9)).kv, 9);
  });

  it('refuses a table by name that fails its self-test, and takes one that passes', async () => {
    const engine = createNativeEngine({ addonPath });
    await assert.rejects(engine.load({ path: 'a', kernels: 'best' }), {
      code: 'unsupported',
      message: /wrong sums/,
    });
    assert.equal((await engine.load({ path: 'a', kernels: 'oracle' })).info.kernels, 'oracle');
  });

  it('turns errors of the addon into EngineErrors', async () => {
    const engine = createNativeEngine({ addonPath });
    await assert.rejects(engine.inspect('x.gguf'), {
      name: 'EngineError',
      code: 'bad_file',
      message: 'x.gguf is torn',
    });
    await assert.rejects(engine.load({ path: 'strange' }), {
      name: 'EngineError',
      code: 'internal',
      message: 'not ours',
    });
  });

  it('fails every call with the reason when there is no engine', async () => {
    const engine = createNativeEngine({ addonPath: join(folder, 'nowhere.node') });
    await assert.rejects(engine.load({ path: 'a' }), { code: 'unsupported', message: /cannot be loaded/ });
    await assert.rejects(engine.kernelTables(), { code: 'unsupported' });
    await engine.dispose();
  });

  it('fills in what a request leaves out, and hands on tokens', async () => {
    const engine = createNativeEngine({ addonPath });
    const { model } = await engine.load({ path: 'a' });
    assert.deepEqual(await engine.tokenize(model, 'hi', false), [104, 105]);
    assert.equal(await engine.detokenize(model, [104, 105]), 'hi');
    assert.equal(await engine.findToken(model, 'hi'), 7);
    assert.deepEqual(await engine.specialTokens(model), [{ id: 7, text: 'hi', inAllText: false }]);
    const session = await engine.openSession(model, 0);
    const events: unknown[] = [];
    const request = { session, job: 5, priority: 0, tokens: [1, 2], maxTokens: 1 } as const;
    const result = await engine.generate(request, (event) => events.push(event));
    assert.deepEqual(result.tokens, [65]);
    assert.deepEqual(events, [
      { kind: 'prefill', done: 1, total: 2 },
      { kind: 'token', id: 65, text: 'A', logprob: -1 },
    ]);
    const sent = JSON.parse(log.at(-1)?.slice('generate '.length) ?? '') as Record<string, unknown>;
    assert.deepEqual(
      [sent['temperature'], sent['topK'], sent['topP'], sent['minP'], sent['seed'], sent['requiredPrefix']],
      [0, 0, 1, 0, 0, ''],
    );
    const speculation = (): unknown[] => {
      const last = JSON.parse(log.at(-1)?.slice('generate '.length) ?? '') as Record<string, unknown>;
      return [last['logprobs'], last['lookupDraft'], last['lookupNgram'], last['expected'], last['forced']];
    };
    assert.deepEqual(speculation(), [false, 0, 2, {}, {}]);
    await engine.generate({ ...request, lookup: {}, forced: [9] }, () => undefined);
    assert.deepEqual(speculation(), [false, 15, 2, {}, { 0: 9 }]);
    const lookup = { maxDraft: 4, minNgram: 3, expected: [5] };
    await engine.generate({ ...request, lookup, sampling: { logprobs: true } }, () => undefined);
    assert.deepEqual(speculation(), [true, 4, 3, { 0: 5 }, {}]);
    await assert.rejects(
      engine.generate({ ...request, tokens: [1, 0.5] }, () => undefined),
      {
        code: 'invalid_argument',
        message: /tokens\[1\]/,
      },
    );
  });

  it('hands on what a callback throws, and frees the job number', async () => {
    const engine = createNativeEngine({ addonPath });
    const { model } = await engine.load({ path: 'a' });
    const session = await engine.openSession(model, 0);
    const request = { session, job: 6, priority: 0, tokens: [1], maxTokens: 1 } as const;
    const mine = new TypeError('mine');
    await assert.rejects(
      engine.generate(request, () => {
        throw mine;
      }),
      (error) => error === mine,
    );
    assert.equal((await engine.generate(request, () => undefined)).text, 'A');
  });

  it('rejects what runs when its model is unloaded, and knows the handles no more', async () => {
    const engine = createNativeEngine({ addonPath });
    const { model } = await engine.load({ path: 'a' });
    const session = await engine.openSession(model, 0);
    const request = { session, job: 8, priority: 0, tokens: [1], maxTokens: 50 } as const;
    const running = engine.generate(request, () => undefined);
    await assert.rejects(
      engine.generate(request, () => undefined),
      { code: 'invalid_argument', message: /in flight/ },
    );
    const ended = assert.rejects(running, { code: 'cancelled' });
    const unloaded = engine.unload(model);
    engine.cancel(8); // the addon does this by itself
    await Promise.all([unloaded, ended]);
    await assert.rejects(
      engine.generate(request, () => undefined),
      { code: 'invalid_argument' },
    );
    await assert.rejects(engine.unload(model), { code: 'invalid_argument' });
    engine.cancel(8);
  });

  it('frees a model that finishes loading after dispose', async () => {
    const engine = createNativeEngine({ addonPath });
    await engine.kernelTables();
    const loading = assert.rejects(engine.load({ path: 'slow' }), { code: 'cancelled' });
    await new Promise((resolve) => setTimeout(resolve, 10));
    await engine.dispose();
    await loading;
    assert.deepEqual(log, ['load generic', 'dispose model']);
    await assert.rejects(engine.load({ path: 'a' }), { code: 'invalid_argument' });
  });

  it('passes on jobs about the KV cache, with priority background, and cancels them', async () => {
    const engine = createNativeEngine({ addonPath });
    const { model } = await engine.load({ path: 'a' });
    const quietly = (): void => undefined;
    const running = engine.calibrateKv({ model, job: 5, tokens: [1, 2] }, quietly);
    const again = engine.measureKv({ model, job: 5, tokens: [1], codec: 'kv4' }, quietly);
    await assert.rejects(again, { code: 'invalid_argument', message: /in flight/ });
    engine.cancel(5);
    await assert.rejects(running, { code: 'cancelled' });
    assert.ok(log.some((line) => line.startsWith('calibrate {"job":5,"priority":3')));
    assert.ok(log.some((line) => line.includes('"careful":false')));
    const careful = engine.calibrateKv({ model, job: 5, tokens: [1], careful: true }, quietly);
    engine.cancel(5);
    await assert.rejects(careful, { code: 'cancelled' });
    assert.ok(log.some((line) => line.includes('"careful":true')));
    const request = await engine.measureKv({ model, job: 5, tokens: [1], codec: 'kv4' }, quietly);
    assert.equal(JSON.stringify(request).includes('"codec":"kv4","step":16'), true);
    await assert.rejects(engine.useKvCalibration(model, Uint8Array.of(1, 2)), {
      name: 'EngineError',
      code: 'bad_file',
      message: '2 bytes are none',
    });
  });
});
