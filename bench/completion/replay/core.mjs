/**
 * The server's completion in this process, over the real engine: bundled from its sources as they are, with timers that a benchmark may
 * put its own clock behind.
 */
import { build } from 'esbuild';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const entry = `
export { Completer, WarmUp } from './server/src/completion';
export { defaultGate } from './server/src/completion/gate';
export { createNativeEngine } from './server/src/engine';
export { automaticChoice, KvCalibrator, ModelHost } from './server/src/models';
`;

/** The bundle's timers; FakeClock puts its own here for a while. */
const realTimers = { setTimeout, clearTimeout };
globalThis.niwakiReplayTimers ??= realTimers;

export async function loadCore(root) {
  const outfile = join(root, 'bench', 'results', 'replay-core.cjs');
  mkdirSync(join(root, 'bench', 'results'), { recursive: true });
  await build({
    stdin: { contents: entry, resolveDir: root, loader: 'ts' },
    ...{ outfile, bundle: true, platform: 'node', format: 'cjs', target: 'node20', logLevel: 'warning' },
    define: {
      setTimeout: 'globalThis.niwakiReplayTimers.setTimeout',
      clearTimeout: 'globalThis.niwakiReplayTimers.clearTimeout',
    },
  });
  const { default: core } = await import(`${pathToFileURL(outfile).href}?${Date.now()}`);
  return core;
}

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** An EnginePort whose calls are counted as long as they are under way. */
function counted(engine) {
  const port = { busy: 0 };
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(engine))) {
    if (name === 'constructor' || typeof engine[name] !== 'function') {
      continue;
    }
    port[name] = (...args) => {
      const result = engine[name](...args);
      if (typeof result?.finally === 'function') {
        port.busy += 1;
        const done = () => {
          port.busy -= 1;
        };
        result.then(done, done);
      }
      return result;
    };
  }
  return port;
}

/**
 * A Completer over a model of its own, as the server makes them, but that prompts show no other files; the model goes by the calibration
 * that lies beside it. `options` are the Completer's.
 */
export async function openCompleter(core, { root, addonPath, selfTestChild, modelPath }, options = {}) {
  const engine = counted(core.createNativeEngine({ addonPath, selfTestChild }));
  const embeddedPath = modelPath;
  const calibrator = new core.KvCalibrator({
    ...{ engine, log: silent, embeddedPath: join(root, 'models', 'nano.kvc') },
    text: () => Promise.reject(new Error('nothing is calibrated here')),
    ...{ idleMs: 2 ** 30, mayWork: () => Promise.resolve(false) },
  });
  const host = new core.ModelHost({ engine, embeddedPath, log: silent, calibrator });
  const problem = await host.load(core.automaticChoice);
  if (problem !== '') {
    throw new Error(problem);
  }
  return { engine, host, completer: new core.Completer(engine, host, options) };
}
