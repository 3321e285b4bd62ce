import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { createNativeEngine } from '../../server/src/engine/nativeEngine';
import { addonPath, Bench, codeOf, modelPath, needAddon, newJob, wait } from './support';

/**
 * Plain JavaScript for processes and workers of their own: loads the model and starts a job that would run for long. `begun()`
 * is called at its first event.
 */
const startLongJob = `
  const binding = require(${JSON.stringify(addonPath)});
  async function startLongJob(begun) {
    const model = await binding.load({ path: ${JSON.stringify(modelPath)} });
    const session = await model.openSession(0);
    const none = new Int32Array();
    const request = { job: 1, priority: 0, tokens: Int32Array.of(1, 2, 3), maxTokens: 100000, temperature: 0, topK: 0, topP: 1,
      minP: 0, seed: 0, banned: Int32Array.of(model.info.eos), biasTokens: none, biasValues: new Float32Array(),
      repetitionPenalty: 1, frequencyPenalty: 0, presencePenalty: 0, penaltyWindow: 64, allowed: none, logprobs: false, topLogprobs: 0, lookupDraft: 0, lookupNgram: 2, expected: none, forced: none, stopTokens: none, stopStrings: [], requiredPrefix: '', guide: '', threads: 0, shift: false };
    const job = session.generate(request, begun, () => {});
    job.catch(() => {});
    return { model, session, job };
  }
`;

function runNode(
  script: string,
): Promise<{ code: number | null; signal: NodeJS.Signals | null; output: string; ms: number }> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, output, ms: performance.now() - start });
    });
  });
}

describe('native engine: coming and going', function () {
  this.timeout(120_000);
  before(needAddon);

  it('unloads a model in the middle of its jobs', async () => {
    const bench = await Bench.open();
    const running = codeOf(bench.generate({ tokens: [1, 2, 3], maxTokens: 1500 }));
    const waiting = codeOf(bench.generate({ tokens: [4, 5], maxTokens: 5 }));
    await wait(30);
    await bench.engine.unload(bench.model);
    assert.equal(await running, 'cancelled');
    assert.equal(await waiting, 'cancelled');
    assert.equal(await codeOf(bench.generate({ tokens: [1] })), 'invalid_argument');
    assert.equal(await codeOf(bench.tokenize('x')), 'invalid_argument');
    const { model } = await bench.engine.load({ path: modelPath });
    assert.ok(model !== bench.model, 'the port lives on');
    await bench.engine.dispose();
  });

  it('closes a session in the middle of its job, and the others go on', async () => {
    const bench = await Bench.open();
    const other = await bench.engine.openSession(bench.model, 0);
    const running = bench.generate({ session: other, tokens: [1, 2, 3], maxTokens: 1500 });
    const waiting = codeOf(bench.generate({ session: other, tokens: [1, 2, 3], maxTokens: 5 }));
    await wait(30);
    await bench.engine.closeSession(other);
    assert.equal((await running).reason, 'cancelled');
    assert.equal(await waiting, 'cancelled');
    assert.equal(await codeOf(bench.generate({ session: other, tokens: [1] })), 'invalid_argument');
    assert.equal((await bench.generate({ tokens: [1, 2, 3] })).tokens.length, 16);
    await bench.engine.dispose();
  });

  it('is dead after dispose, also when a load was under way', async () => {
    const engine = createNativeEngine({ addonPath });
    const { model } = await engine.load({ path: modelPath });
    const loading = codeOf(engine.load({ path: modelPath }));
    await Promise.resolve();
    await engine.dispose();
    assert.match(await loading, /^(cancelled|invalid_argument)$/);
    assert.equal(await codeOf(engine.load({ path: modelPath })), 'invalid_argument');
    assert.equal(await codeOf(engine.tokenize(model, 'x', false)), 'invalid_argument');
  });

  it('runs two models at once', async () => {
    const [a, b] = await Promise.all([Bench.open(1), Bench.open(1)]);
    const tokens = await a.prompt('two', 200);
    const [first, second] = await Promise.all([a.generate({ tokens }), b.generate({ tokens })]);
    assert.deepEqual(first.tokens, second.tokens);
    await a.engine.dispose();
    assert.equal((await b.generate({ tokens })).tokens.length, 16, 'one may go and the other stays');
    await b.engine.dispose();
  });

  it('says what it holds, and holds nothing of a session that is closed', async () => {
    const bench = await Bench.open();
    const { engine, model, info } = bench;
    assert.equal(await engine.kvBytes(model), 0);
    assert.ok(info.scratchBytes > info.vocabSize && info.weightBytes > 0);
    const tokens = await bench.prompt('held', 300);
    await bench.generate({ tokens });
    const pages = Math.ceil((300 + 16) / 128) * 128;
    assert.equal(await engine.kvBytes(model), pages * info.kvBytesPerToken);
    await engine.closeSession(bench.session);
    assert.equal(await engine.kvBytes(model), 0);
    await engine.dispose();
  });

  it('writes the same with fewer threads', async () => {
    const bench = await Bench.open(2);
    const tokens = await bench.prompt('quiet', 200);
    const alone = await bench.generate({ tokens, threads: 1 });
    const other = await bench.engine.openSession(bench.model, 0);
    const together = await bench.generate({ session: other, tokens });
    assert.deepEqual(alone.tokens, together.tokens);
    await bench.engine.dispose();
  });

  it('loads and unloads again and again without growing', async () => {
    const engine = createNativeEngine({ addonPath });
    const cycle = async (): Promise<void> => {
      const { model } = await engine.load({ path: modelPath });
      const session = await engine.openSession(model, 256);
      await engine.generate(
        { session, job: newJob(), priority: 0, tokens: [1, 2, 3], maxTokens: 2 },
        () => undefined,
      );
      await engine.unload(model);
    };
    for (let i = 0; i < 5; i += 1) {
      await cycle();
    }
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 20; i += 1) {
      await cycle();
    }
    const growth = (process.memoryUsage().rss - before) / 2 ** 20;
    console.log(`      20 more loads grew the process by ${growth.toFixed(1)} MiB`);
    assert.ok(growth < 40, `${growth.toFixed(1)} MiB`);
    await engine.dispose();
  });

  it('never blocks the event loop for long', async () => {
    const bench = await Bench.open(1); // one worker: a core is left for JavaScript, so that what is measured is blocking
    const tokens = await bench.prompt('loop', 1500);
    const text = 'const value = compute(first, second);\n'.repeat(5000);
    const delay = monitorEventLoopDelay({ resolution: 2 });
    delay.enable();
    const [, result] = await Promise.all([bench.tokenize(text), bench.generate({ tokens, maxTokens: 200 })]);
    delay.disable();
    assert.equal(result.tokens.length, 200);
    const p99 = delay.percentile(99) / 1e6;
    console.log(
      `      event loop delay: p99 ${p99.toFixed(1)} ms, max ${(delay.max / 1e6).toFixed(1)} ms (timer 2 ms)`,
    );
    assert.ok(delay.percentile(50) / 1e6 < 10, 'median');
    assert.ok(p99 < 40, 'p99, which leaves room for a machine that is busy with other things');
    await bench.engine.dispose();
  });

  it('says nothing and ends with the right code when a process exits in the middle of a job', async () => {
    const { code, signal, output, ms } = await runNode(`${startLongJob}
      let tokens = 0;
      startLongJob(() => { if (++tokens === 3) process.exit(23); });`);
    assert.deepEqual([code, signal, output], [23, null, '']);
    console.log(`      a process of its own: ${ms.toFixed(0)} ms`);
  });

  it('lets a process end in the middle of loading', async () => {
    // Loading takes some 20 ms: the process ends at every stage of it. process.exit() runs no clean-up of ours, so nothing that
    // the engine thread uses may be destroyed at exit.
    for (let run = 0; run < 32; run += 1) {
      const { code, signal, output } = await runNode(`${startLongJob}
        binding.load({ path: ${JSON.stringify(modelPath)} }).catch(() => {});
        setTimeout(() => process.exit(24), ${String(run % 16)});`);
      assert.deepEqual([code, signal, output], [24, null, ''], `after ${String(run % 16)} ms`);
    }
  });

  it('lets a process end by itself when a model is loaded and nothing runs', async () => {
    const { code, signal, output } = await runNode(`${startLongJob}
      binding.load({ path: ${JSON.stringify(modelPath)} }).then(async (model) => {
        await model.openSession(0);
        console.log('loaded');
      });`);
    assert.deepEqual([code, signal, output], [0, null, 'loaded\n']);
  });

  it('frees what JavaScript has let go of', async () => {
    const script = `${startLongJob}
      async function once() { const { session, job } = await startLongJob(() => { session?.cancel(1); }); session.cancel(1); await job.catch(() => {}); }
      (async () => {
        for (let i = 0; i < 30; i++) { await once(); gc(); await new Promise((r) => setTimeout(r, 5)); }
        gc(); await new Promise((r) => setTimeout(r, 200));
        const threads = require('fs').existsSync('/proc/self/task') ? require('fs').readdirSync('/proc/self/task').length : 0;
        console.log(threads < 40 ? 'few' : 'many: ' + threads);
      })();`;
    const { code, output } = await runNode(
      `require('v8').setFlagsFromString('--expose-gc'); globalThis.gc = require('vm').runInNewContext('gc');${script}`,
    );
    assert.deepEqual([code, output], [0, 'few\n']);
  });

  it('works in worker threads, which may exit or be terminated at any moment', async () => {
    for (let i = 0; i < 12; i += 1) {
      const exits = i % 3 === 0;
      const worker = new Worker(
        `${startLongJob}
         const { parentPort } = require('worker_threads');
         let tokens = 0;
         startLongJob(() => {
           tokens += 1;
           if (tokens === 2) parentPort.postMessage('running');
           if (${String(exits)} && tokens === 3) process.exit(5);
         });`,
        { eval: true, execArgv: [] },
      );
      const ended = new Promise<number>((resolve, reject) => {
        worker.on('exit', resolve);
        worker.on('error', reject);
      });
      await new Promise((resolve) => worker.once('message', resolve));
      if (!exits) {
        await wait(i);
        await worker.terminate();
      }
      assert.equal(await ended, exits ? 5 : 1);
    }
    const bench = await Bench.open();
    assert.equal((await bench.generate({ tokens: [1, 2, 3] })).tokens.length, 16, 'the main thread goes on');
    await bench.engine.dispose();
  });
});
