import * as assert from 'node:assert/strict';
import { isCancelled, Priority, ScriptedEngine } from '../../../../server/src/engine';
import { measureSpeed } from '../../../../server/src/models';

const never = new AbortController().signal;

describe('models: the speed test', function () {
  this.timeout(20_000);

  async function stage(options: ConstructorParameters<typeof ScriptedEngine>[0]) {
    const engine = new ScriptedEngine({ answer: () => 'word '.repeat(1000), ...options });
    const { model, info } = await engine.load({ path: '/m.gguf' });
    return { engine, model, info, text: 'some text to read, again and again\n' };
  }

  it('reads and writes in the background alone, and frees what it used', async () => {
    const request = await stage({ prefillMsPerToken: 0.5, decodeMsPerToken: 10 });
    const shares: number[] = [];
    const started = performance.now();
    const speed = await measureSpeed({ ...request, signal: never, onProgress: (share) => shares.push(share) });
    assert.ok(performance.now() - started < 6_000);
    assert.ok(speed.prefill > 0 && speed.decode > 0 && speed.decode < 150, JSON.stringify(speed));
    assert.ok(request.engine.runs.length >= 3);
    assert.ok(request.engine.runs.every((run) => run.request.priority === Priority.background));
    assert.ok(shares.length > 3 && Math.max(...shares) <= 1);
    assert.deepEqual(shares, [...shares].sort((a, b) => a - b));
  });

  it('asks little of a slow model', async () => {
    const request = await stage({ prefillMsPerToken: 20, decodeMsPerToken: 400 });
    const started = performance.now();
    const { decode } = await measureSpeed({ ...request, signal: never });
    assert.ok(performance.now() - started < 8_000);
    assert.ok(decode > 0.5 && decode < 5, String(decode));
  });

  it('ends as cancelled', async () => {
    const request = await stage({ prefillMsPerToken: 1 });
    const abort = new AbortController();
    const measuring = measureSpeed({ ...request, signal: abort.signal });
    setTimeout(() => {
      abort.abort();
    }, 50);
    await assert.rejects(measuring, isCancelled);
  });
});
