import * as assert from 'node:assert/strict';
import { isCancelled } from '../../../server/src/engine/errors';
import { Priority } from '../../../server/src/engine/port';
import { ScriptedEngine } from '../../../server/src/engine/scripted';
import { EngineSession, LatestWins, type SessionRequest } from '../../../server/src/engine/session';

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function open(): Promise<{ engine: ScriptedEngine; session: EngineSession; request: SessionRequest }> {
  const engine = new ScriptedEngine({
    prefillMsPerToken: 1,
    decodeMsPerToken: 5,
    answer: () => 'a b c d e f g h',
  });
  const { model } = await engine.load({ path: 'model.gguf' });
  const session = await EngineSession.open(engine, model);
  const request = {
    priority: Priority.keystroke,
    tokens: engine.tokenizer.encode('one two', false),
    maxTokens: 20,
  };
  return { engine, session, request };
}

describe('EngineSession', () => {
  it('generates', async () => {
    const { session, request } = await open();
    assert.equal((await session.generate(request)).text, 'a b c d e f g h');
  });

  it('cancels when its signal aborts', async () => {
    const { engine, session, request } = await open();
    const abort = new AbortController();
    const result = await session.generate(request, {
      signal: abort.signal,
      onEvent: (event) => {
        if (event.kind === 'token') {
          abort.abort();
        }
      },
    });
    assert.equal(result.reason, 'cancelled');
    assert.equal(result.text, 'a');
    assert.equal(engine.jobsInFlight, 0);
  });

  it('submits nothing when the signal has aborted already', async () => {
    const { engine, session, request } = await open();
    await assert.rejects(session.generate(request, { signal: AbortSignal.abort() }), isCancelled);
    assert.equal(engine.runs.length, 0);
  });

  it('leaves no listener on the signal', async () => {
    const { engine, session, request } = await open();
    const abort = new AbortController();
    await session.generate(request, { signal: abort.signal });
    const cancels: number[] = [];
    engine.cancel = (job) => cancels.push(job);
    abort.abort();
    assert.deepEqual(cancels, []);
  });

  it('refuses to work when closed, and closes twice without complaint', async () => {
    const { session, request } = await open();
    const running = session.generate(request);
    const ended = assert.rejects(running, isCancelled);
    await session.close();
    await ended;
    await session.close();
    await assert.rejects(session.generate(request), { code: 'invalid_argument' });
  });

  it('gives every job its own number, in all sessions', async () => {
    const { engine, session, request } = await open();
    const { model } = await engine.load({ path: 'other.gguf' });
    const other = await EngineSession.open(engine, model);
    await Promise.all([session.generate(request), other.generate(request), session.generate(request)]);
    assert.equal(new Set(engine.runs.map((run) => run.request.job)).size, 3);
  });
});

describe('LatestWins', () => {
  it('aborts the earlier request when a later one comes', async () => {
    const { session, request } = await open();
    const latest = new LatestWins();
    const first = latest.run((signal) => session.generate(request, { signal }));
    const firstEnds = assert.rejects(first, isCancelled);
    await wait(1);
    const second = latest.run((signal) => session.generate(request, { signal }));
    await firstEnds;
    assert.equal((await second).reason, 'end_of_text');
  });

  it("heeds the caller's signal and abort()", async () => {
    const { session, request } = await open();
    const latest = new LatestWins();
    const abort = new AbortController();
    const first = latest.run((signal) => session.generate(request, { signal }), abort.signal);
    abort.abort();
    await assert.rejects(first, isCancelled);
    const second = latest.run((signal) => session.generate(request, { signal }));
    latest.abort();
    await assert.rejects(second, isCancelled);
  });

  it('does not abort what has ended', async () => {
    const latest = new LatestWins();
    let signal: AbortSignal | undefined;
    await latest.run((given) => {
      signal = given;
      return Promise.resolve();
    });
    await latest.run(() => Promise.resolve());
    assert.equal(signal?.aborted, false);
  });
});
