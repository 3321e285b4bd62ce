import * as assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScriptedEngine, type ModelInfo, type ScriptedOptions } from '../../../server/src/engine';
import { scriptedCalibration } from '../../../server/src/engine/scriptedKv';
import { automaticChoice, CalibrationStore, KvCalibrator, ModelHost } from '../../../server/src/models';
import type { Log } from '../../../server/src/util/log';
import { sleep } from '../../../server/src/util/sleep';

const never = new AbortController().signal;
const fingerprint = 'ab'.repeat(16);
const user = { ...automaticChoice, path: '/m/mine.gguf' };

async function until(what: string, met: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !met(); i += 1) {
    await sleep(5);
  }
  assert.ok(met(), what);
}

describe('models: KV calibrations', function () {
  this.timeout(20_000);
  let folder: string;
  let file: string;
  let embeddedFile: string;
  let said: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki kv é-'));
    file = join(folder, 'kv', `${fingerprint}.kvc`);
    embeddedFile = join(folder, 'embedded.kvc');
    said = [];
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  interface Stage {
    readonly engine: ScriptedEngine;
    readonly host: ModelHost;
    allowed: boolean;
    asked: number;
  }

  function stage(
    options: ScriptedOptions & { info?: Partial<ModelInfo>; store?: CalibrationStore | null } = {},
  ): Stage {
    const engine = new ScriptedEngine({ ...options, info: { fingerprint, weightBytes: 1e9, ...options.info } });
    const note = (message: string): void => void said.push(message);
    const log: Log = { info: note, warn: note, error: note };
    const store = options.store === undefined ? new CalibrationStore(join(folder, 'kv')) : options.store;
    const result: Stage = {
      engine,
      allowed: true,
      asked: 0,
      host: new ModelHost({
        engine,
        embeddedPath: '/e.gguf',
        log,
        calibrator: new KvCalibrator({
          engine,
          log,
          ...(store === null ? {} : { store }),
          embeddedPath: embeddedFile,
          text: () => Promise.resolve('word '.repeat(400)),
          idleMs: 20,
          mayWork: () => {
            result.asked += 1;
            return Promise.resolve(result.allowed);
          },
        }),
      }),
    };
    return result;
  }

  it('are made once nobody needs the model for a while, kept, and found the next time', async () => {
    const { host, engine } = stage();
    let changes = 0;
    host.changes.add(() => {
      changes += 1;
    });
    await host.load(user);
    assert.equal(host.kvCalibration, 'norms');
    const before = changes;
    await until('calibrated', () => host.kvCalibration === 'text' && existsSync(file));
    await until('said so', () => changes > before);
    assert.deepEqual(readFileSync(file), Buffer.from(scriptedCalibration(fingerprint)));
    if (process.platform !== 'win32') {
      assert.equal(statSync(file).mode & 0o777, 0o600);
    }
    assert.deepEqual(readdirSync(join(folder, 'kv')), [`${fingerprint}.kvc`], 'nothing else is left there');
    assert.equal(engine.kv.calibrations, 1);
    await sleep(60);
    assert.equal(engine.kv.calibrations, 1, 'once');
    const next = stage();
    await next.host.load(user);
    assert.equal(next.host.kvCalibration, 'text');
    await sleep(60);
    assert.equal(next.engine.kv.calibrations + next.asked, 0);
  });

  it('are deleted and made anew when they are damaged', async () => {
    const store = new CalibrationStore(join(folder, 'kv'));
    await store.write(fingerprint, Uint8Array.of(1, 2, 3));
    const { host } = stage();
    await host.load(user);
    assert.equal(host.kvCalibration, 'norms');
    assert.ok(!existsSync(file));
    assert.ok(said.some((line) => line.includes('damaged')));
    await until('made anew', () => host.kvCalibration === 'text' && existsSync(file));
  });

  it('never keep anybody waiting: the work is dropped, and begun anew when it is quiet', async () => {
    const { host, engine } = stage({ kvMs: 120 });
    await host.load(user);
    for (let i = 0; i < 3; i += 1) {
      await sleep(50); // it has begun
      const started = performance.now();
      await host.use(never, () => Promise.resolve());
      assert.ok(performance.now() - started < 40);
      assert.equal(engine.kv.calibrations, 0);
    }
    await until('calibrated', () => host.kvCalibration === 'text');
    assert.equal(engine.kv.calibrations, 1);
  });

  it('wait where the machine is to be spared, without looking again and again', async () => {
    const scene = stage();
    scene.allowed = false;
    await scene.host.load(user);
    await until('asked', () => scene.asked === 1);
    await sleep(80);
    assert.equal(scene.asked, 1);
    scene.allowed = true;
    await scene.host.use(never, () => Promise.resolve());
    await until('calibrated', () => scene.host.kvCalibration === 'text');
  });

  it('of the embedded model ship with it; one that does not fit is made like any other', async () => {
    writeFileSync(embeddedFile, scriptedCalibration(fingerprint));
    const { host, engine } = stage();
    await host.load(automaticChoice);
    assert.equal(host.kvCalibration, 'text');
    assert.equal(engine.kv.calibrations, 0);
    await host.load(user);
    assert.equal(host.kvCalibration, 'norms', 'another file, another calibration');
    writeFileSync(embeddedFile, 'something else');
    const other = stage();
    await other.host.load(automaticChoice);
    await until('made', () => other.host.kvCalibration === 'text' && existsSync(file));
    assert.ok(existsSync(embeddedFile), 'what ships is left alone');
  });

  it('are not made for half precision, nor where nothing may be kept', async () => {
    const exact = stage();
    await exact.host.load({ ...user, kvCodec: 'f16' });
    const without = stage({ store: null });
    await without.host.load(user);
    await sleep(80);
    assert.equal(exact.asked + without.asked, 0);
  });

  it('are used even when they cannot be kept', async function () {
    if (process.platform === 'win32' || process.getuid?.() === 0) {
      writeFileSync(join(folder, 'kv'), 'a file where the folder should be');
    } else {
      chmodSync(folder, 0o500);
    }
    const { host } = stage();
    await host.load(user);
    await until('calibrated', () => host.kvCalibration === 'text');
    await until('said so', () => said.some((line) => line.includes('could not be kept')));
  });

  it('are given up when they fail, and dropped with their model', async () => {
    const tiny = stage({ contextLength: 100 });
    await tiny.host.load(user);
    await until('said so', () => said.some((line) => line.includes('no room for 256 tokens')));
    await tiny.host.use(never, () => Promise.resolve());
    await sleep(60);
    assert.equal(tiny.asked, 1);
    const slow = stage({ kvMs: 200 });
    await slow.host.load(user);
    await until('begun', () => slow.asked === 1);
    await slow.host.sleep();
    assert.equal(slow.host.state, 'asleep');
    await sleep(250);
    assert.equal(slow.engine.kv.calibrations, 0);
  });

  const smallModel = { weightBytes: 1e6, layers: 4, headSize: 64, contextLength: 32768 };
  /** Careful layers of 8 bits count twice. A layer has 64 keys and 64 values a token, 64 bytes in 4 bits. */
  const tightMB = 4;
  const tokensOf = (layersOf4Bits: number): number =>
    Math.floor((tightMB * 2 ** 20) / (layersOf4Bits * 64) / 1000) * 1000;

  it('of small models know careful layers, in a second step, and the plan makes room for them', async () => {
    const { host, engine } = stage({ careful: [1], info: smallModel });
    await host.load({ ...user, kvMemoryMB: tightMB });
    assert.equal(host.model?.kv.context, tokensOf(4));
    await until('calibrated', () => existsSync(file));
    assert.equal(engine.kv.calibrations, 2);
    assert.deepEqual(readFileSync(file), Buffer.from(scriptedCalibration(fingerprint, 1)));
    const { kv } = host.model;
    assert.deepEqual([kv.carefulLayers, kv.context], [1, tokensOf(5)]);
    assert.ok(kv.bytes <= tightMB * 2 ** 20 && tokensOf(5) < tokensOf(4));
    // And the next time before the first session is opened.
    const next = stage({ careful: [1], info: smallModel });
    await next.host.load({ ...user, kvMemoryMB: tightMB });
    assert.equal(next.host.model?.kv.context, tokensOf(5));
    await next.host.use(never, (model) => {
      assert.equal(model.kv.context, tokensOf(5));
      return Promise.resolve();
    });
  });

  it('of large models know none, nor where there is no room for two caches', async () => {
    const large = stage({ careful: [1] });
    await large.host.load(user);
    await until('calibrated', () => existsSync(file));
    assert.equal(large.engine.kv.calibrations, 1);
    assert.deepEqual(readFileSync(file), Buffer.from(scriptedCalibration(fingerprint)));
    rmSync(file);
    // Of 2 MB a cache in half precision holds 1,000 tokens, and half of that none.
    const tight = stage({ careful: [1], info: { ...smallModel, kvHeads: 2 } });
    await tight.host.load({ ...user, kvMemoryMB: 2 });
    await until('calibrated', () => existsSync(file));
    assert.equal(tight.engine.kv.calibrations, 1);
    assert.equal(tight.host.model?.kv.carefulLayers, 0);
  });

  it('never change the plan under whoever has the model: they wait for that, or it for them', async () => {
    const { host, engine } = stage({ careful: [1], info: smallModel });
    const apply = engine.useKvCalibration.bind(engine);
    let applying = 0;
    engine.useKvCalibration = async (model, bytes) => {
      applying += 1;
      const state = await apply(model, bytes);
      await sleep(60); // sessions opened from now on go by it, and nobody has been told
      return state;
    };
    await host.load({ ...user, kvMemoryMB: tightMB });
    await until('the second step', () => applying === 2);
    assert.equal(host.model?.kv.context, tokensOf(4));
    const context = await host.use(never, (model) => Promise.resolve(model.kv.context));
    assert.equal(context, tokensOf(5));
  });

  it('refuse names that are no fingerprints', () => {
    assert.throws(() => new CalibrationStore(folder).pathOf('../../x'), /no model's fingerprint/);
  });
});
