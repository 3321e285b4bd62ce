/** A child process of mutations.test.ts: loads the files that it is told, one after another, and tells what came of each. */
import { readFileSync, statSync } from 'node:fs';
import { createNativeEngine } from '../../server/src/engine/nativeEngine';
import { EngineError, Priority } from '../../server/src/engine/port';

export interface MutationReport {
  readonly path: string;
  /** "loaded", or the error's code. */
  readonly outcome: string;
  readonly message: string;
  readonly ms: number;
  /** Address space that was taken on the way, the file's size left out. 0 where the system does not say. */
  readonly extraBytes: number;
}

function statusBytes(name: 'VmSize' | 'VmPeak'): number {
  if (process.platform !== 'linux') {
    return 0;
  }
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

const [addonPath = ''] = process.argv.slice(2);
const engine = createNativeEngine({ addonPath });
let jobs = 0;

/** Looks at a file in every way there is, and runs the model if it loads. */
async function tryFile(path: string): Promise<void> {
  // Files that cannot be opened at all reject these two; that is for `load` to say.
  await engine.inspect(path).catch(() => undefined);
  await engine.estimate({ path }, 64).catch(() => undefined);
  const { model, info } = await engine.load({ path, threads: 1 });
  const session = await engine.openSession(model, 64);
  const tokens = await engine.tokenize(model, 'return x', false);
  jobs += 1;
  const request = { session, job: jobs, priority: Priority.keystroke, tokens: tokens.slice(0, 20), maxTokens: 2 };
  const banned = info.eos >= 0 ? [info.eos] : [];
  await engine.generate({ ...request, sampling: { banned } }, () => undefined);
  await engine.unload(model);
}

async function report(path: string): Promise<MutationReport> {
  const before = statusBytes('VmSize');
  const peakBefore = statusBytes('VmPeak');
  const start = performance.now();
  let outcome = 'loaded';
  let message = '';
  try {
    await tryFile(path);
  } catch (error) {
    outcome = error instanceof EngineError ? error.code : 'no EngineError';
    message = error instanceof Error ? error.message : String(error);
  }
  const ms = performance.now() - start;
  const peak = statusBytes('VmPeak');
  // Only a new peak tells anything about this file.
  const extraBytes = peak > peakBefore ? peak - before - statSync(path).size : 0;
  return { path, outcome, message, ms, extraBytes };
}

process.on('message', (path: string) => {
  void report(path).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
