import * as assert from 'node:assert/strict';
import { EngineError, ScriptedEngine, type LoadOptions } from '../../../server/src/engine';
import {
  automaticChoice,
  ModelHost,
  type KvPlan,
  type MachineMemory,
  type ModelChoice,
} from '../../../server/src/models';
import { silentLog } from '../../../server/src/util/log';
import { sleep } from '../../../server/src/util/sleep';

const never = new AbortController().signal;

async function until(met: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !met(); i += 1) {
    await sleep(5);
  }
  assert.ok(met());
}

const choice = automaticChoice;

/** Refuses files whose name says so. */
class PickyEngine extends ScriptedEngine {
  readonly loads: string[] = [];
  readonly unloads: number[] = [];
  override async load(options: LoadOptions): ReturnType<ScriptedEngine['load']> {
    this.loads.push(options.path);
    if (options.path.includes('broken')) {
      throw new EngineError('bad_file', `"${options.path}" is truncated; download it again`);
    }
    return super.load(options);
  }
  override async unload(model: number): Promise<void> {
    this.unloads.push(model);
    await super.unload(model);
  }
}

function stage(): { engine: PickyEngine; host: ModelHost; states: string[] } {
  const engine = new PickyEngine();
  const host = new ModelHost({ engine, embeddedPath: '/embedded.gguf', log: silentLog });
  const states: string[] = [];
  host.changes.add(() => states.push(host.state));
  return { engine, host, states };
}

describe('models: the model host', () => {
  it('loads the embedded model and says so', async () => {
    const { host, states } = stage();
    assert.equal(await host.choose(choice), '');
    assert.equal(host.model?.embedded, true);
    assert.deepEqual(states, ['loading', 'ready']);
  });

  it('falls back to the embedded model, and names file and reason', async () => {
    const { host } = stage();
    const problem = await host.choose({ ...choice, path: '/m/broken.gguf' });
    assert.match(problem, /\/m\/broken\.gguf/);
    assert.match(problem, /truncated/);
    assert.match(problem, /built-in model/);
    assert.equal(host.model?.embedded, true);
    assert.equal(host.state, 'ready');
    assert.equal(host.problem, problem);
  });

  it('keeps a loaded model when its successor cannot be loaded', async () => {
    const { host, engine } = stage();
    await host.choose({ ...choice, path: '/m/good.gguf' });
    const before = host.model;
    const problem = await host.load({ ...choice, path: '/m/broken.gguf' });
    assert.match(problem, /broken/);
    assert.equal(host.model, before);
    assert.deepEqual(engine.unloads, []);
  });

  it('frees the old model once the new one is there', async () => {
    const { host, engine } = stage();
    await host.choose(choice);
    const old = host.model?.handle;
    await host.choose({ ...choice, path: '/m/good.gguf' });
    assert.deepEqual(engine.unloads, [old]);
    assert.equal(host.model?.embedded, false);
    assert.equal(host.problem, '');
  });

  it('does not load again what is asked for again', async () => {
    const { host, engine } = stage();
    await Promise.all([host.choose(choice), host.choose(choice)]);
    await host.choose(choice);
    assert.equal(engine.loads.length, 1);
    await host.choose({ ...choice, threads: 1 });
    assert.equal(engine.loads.length, 2);
  });

  it('restarts with the same model, and mends a failure', async () => {
    const { host, engine } = stage();
    await host.choose({ ...choice, path: '/m/good.gguf' });
    assert.equal(await host.restart(), '');
    assert.deepEqual(engine.loads, ['/m/good.gguf', '/m/good.gguf']);
    assert.equal(host.model?.embedded, false);
  });

  it('does not load what the machine has no room for', async () => {
    class Heavy extends PickyEngine {
      override estimate(options: LoadOptions): ReturnType<ScriptedEngine['estimate']> {
        const weights = options.path.includes('heavy') ? 9e9 : 1e6;
        return Promise.resolve({ weights, kv: 0, scratch: 1e6, mapped: 0 });
      }
    }
    const engine = new Heavy();
    const memory = (): MachineMemory => ({ total: 8e9, free: 4e9 });
    const host = new ModelHost({ engine, embeddedPath: '/e.gguf', log: silentLog, memory });
    const problem = await host.choose({ ...choice, path: '/m/heavy.gguf' });
    assert.match(problem, /heavy\.gguf needs 9\.0 GB of memory, 4\.0 GB are free/);
    assert.deepEqual(engine.loads, ['/e.gguf']);
    assert.equal(host.model?.embedded, true);
  });

  it('sleeps on when only the threads or the context change, and wakes with the new ones', async () => {
    const { host, engine } = stage();
    host.expect(choice);
    assert.equal(await host.choose({ ...choice, threads: choice.threads + 1 }), '');
    assert.equal(host.state, 'asleep');
    assert.deepEqual(engine.loads, []);
    await host.use(never, () => Promise.resolve(undefined));
    assert.equal(engine.loads.length, 1);
  });

  it('loads nothing before somebody needs it', async () => {
    const { host, engine, states } = stage();
    host.expect(choice);
    assert.deepEqual(engine.loads, []);
    assert.equal(host.state, 'asleep');
    const name = await host.use(never, (model) => Promise.resolve(model.info.name));
    assert.equal(name, 'Scripted');
    assert.deepEqual(states, ['asleep', 'loading', 'ready']);
    assert.equal(await host.choose(choice), '', 'what is loaded is not loaded again');
    assert.equal(engine.loads.length, 1);
  });

  it('frees a model that nobody uses, and loads it again', async () => {
    const { host, engine } = stage();
    host.setUnloadAfter(30);
    await host.choose({ ...choice, path: '/m/good.gguf' });
    await until(() => host.state === 'asleep');
    assert.equal(host.model, undefined);
    assert.equal(engine.unloads.length, 1);
    const path = await host.use(never, (model) => Promise.resolve(model.info.path));
    assert.equal(path, '/m/good.gguf');
    host.setUnloadAfter(0);
    await sleep(60);
    assert.equal(host.state, 'ready', '0 is never');
  });

  it('never frees a model under work, however long that takes', async () => {
    const { host, engine } = stage();
    host.setUnloadAfter(10);
    await host.choose(choice);
    await host.use(never, async () => {
      await sleep(50);
      assert.deepEqual(engine.unloads, []);
    });
    await until(() => host.state === 'asleep');
  });

  it('uses the built-in model when the file has gone meanwhile, and says so', async () => {
    const { host } = stage();
    host.expect({ ...choice, path: '/m/broken.gguf' });
    assert.equal(await host.use(never, (model) => Promise.resolve(model.embedded)), true);
    assert.match(host.problem, /broken\.gguf.*built-in model/s);
  });

  it('says when there is no model at all', async () => {
    const engine = new PickyEngine();
    const host = new ModelHost({ engine, embeddedPath: '/broken.gguf', log: silentLog });
    assert.match(await host.choose(choice), /broken/);
    assert.equal(host.state, 'failed');
    assert.equal(await host.ready(new AbortController().signal), undefined);
  });

  it('lets callers wait for what is being loaded, and give up', async () => {
    const engine = new ScriptedEngine({ loadMs: 20 });
    const host = new ModelHost({ engine, embeddedPath: '/e.gguf', log: silentLog });
    void host.choose(choice);
    const controller = new AbortController();
    const impatient = host.ready(controller.signal);
    controller.abort();
    await assert.rejects(impatient, { code: 'cancelled' });
    assert.ok((await host.ready(new AbortController().signal)) !== undefined);
  });

  it('loads again when the codec or its memory change', async () => {
    const { host, engine } = stage();
    const plan = async (changes: Partial<ModelChoice>): Promise<KvPlan> => {
      await host.choose({ ...choice, ...changes });
      return host.model?.kv ?? assert.fail();
    };
    assert.equal((await plan({})).codec, 'kv4');
    assert.equal((await plan({ kvCodec: 'kv8' })).codec, 'kv8');
    assert.equal((await plan({ kvCodec: 'kv8', kvMemoryMB: 64 })).budget, 64 * 2 ** 20);
    assert.equal(engine.loads.length, 3);
  });
});
