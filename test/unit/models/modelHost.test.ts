import * as assert from 'node:assert/strict';
import { EngineError, ScriptedEngine, type LoadOptions } from '../../../server/src/engine';
import { ModelHost, sessionContext } from '../../../server/src/models';
import { silentLog } from '../../../server/src/util/log';

const choice = { path: '', threads: 0, maxContextTokens: 0 };

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
    const host = new ModelHost({ engine, embeddedPath: '/e.gguf', log: silentLog, freeMemory: () => 4e9 });
    const problem = await host.choose({ ...choice, path: '/m/heavy.gguf' });
    assert.match(problem, /heavy\.gguf needs 9\.0 GB of memory, 4\.0 GB are free/);
    assert.deepEqual(engine.loads, ['/e.gguf']);
    assert.equal(host.model?.embedded, true);
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

  it('bounds a session by the model, the user and the memory', async () => {
    const { host } = stage();
    await host.choose(choice);
    const info = { ...(host.model?.info ?? assert.fail()), contextLength: 32768, kvBytesPerToken: 1000 };
    assert.equal(sessionContext(info, 0, 1e9), 32768);
    assert.equal(sessionContext(info, 4096, 1e9), 4096);
    assert.equal(sessionContext(info, 0, 2_000_000), 2000);
  });
});
