import * as assert from 'node:assert/strict';
import { Priority, type JobStatus } from '../../server/src/engine/port';
import { Bench, codeOf, newJob, wait } from './support';

/** What native/src/schedule/*_test.cc tests with threads, through the addon: nothing that a job has done is lost. */
describe('native engine: who computes', function () {
  this.timeout(60_000);
  let bench: Bench;

  beforeEach(async () => {
    bench = await Bench.open(2);
  });
  afterEach(async () => {
    await bench.engine.dispose();
  });

  const jobs = async (): Promise<readonly JobStatus[]> => (await bench.engine.jobs(bench.model)).jobs;

  /** Resolves at the first event of a job. */
  function begun(): { readonly promise: Promise<void>; readonly onEvent: () => void } {
    let onEvent: () => void = () => undefined;
    const promise = new Promise<void>((resolve) => {
      onEvent = resolve;
    });
    return { promise, onEvent };
  }

  it('pauses a prompt and an answer for what is more urgent, shows it, and goes on where they were', async () => {
    const { engine, model, info } = bench;
    const other = await engine.openSession(model, 256);
    const tokens = await bench.prompt('paused', 1200);
    const want = await bench.generate({ tokens, maxTokens: 200 });
    await bench.generate({ tokens: [7, 8], maxTokens: 0 }); // its pages are gone: nobody can share them
    const session = await engine.openSession(model, 0);
    const first = begun();
    const job = newJob();
    const state = { ended: false };
    const chat = bench
      .generate({ session, job, tokens, priority: Priority.chat, maxTokens: 200 }, first.onEvent)
      .finally(() => {
        state.ended = true;
      });
    await first.promise;
    const seen: JobStatus[] = [];
    let keystrokes = 0;
    for (; !state.ended; keystrokes += 1) {
      const said = begun();
      const running = bench.generate(
        { session: other, tokens: [7, 8, 9 + (keystrokes % 50)], maxTokens: 40 },
        said.onEvent,
      );
      await said.promise;
      seen.push(...(await jobs()));
      await running;
      await wait(2);
    }
    const got = await chat;
    assert.deepEqual(got.tokens, want.tokens);
    assert.equal(got.text, want.text);
    assert.equal(got.reused, 0);
    assert.equal(got.evaluated, tokens.length, 'no token was computed twice');
    assert.ok(got.pausedMs > 0);
    const states = new Set(seen.map(({ priority, state }) => `${String(priority)} ${state}`));
    console.log(
      `      ${String(keystrokes)} keystrokes, ${got.pausedMs.toFixed(0)} ms paused; seen: ${[...states].join(', ')}`,
    );
    assert.ok(keystrokes > 5 && states.has('0 running') && states.has('1 paused'), [...states].join(', '));
    const mine = seen.filter((one) => one.job === job);
    assert.ok(mine.every(({ total, done }) => total === tokens.length && done <= total));
    assert.ok(mine.some(({ done }) => done === tokens.length) && mine.some(({ decoded }) => decoded > 0));
    await wait(5); // an answer comes a moment before its job has gone
    assert.deepEqual(await jobs(), []);
    const { scratchBytes } = await engine.jobs(model);
    assert.equal(scratchBytes, 2 * info.scratchBytes, 'what runs, and a spare set after the first pause');
  });

  it('lets equals share', async () => {
    const { engine, model } = bench;
    const sessions = await Promise.all([0, 1].map(() => engine.openSession(model, 0)));
    const done: string[] = [];
    const ask = (name: string, at: number, count: number): Promise<unknown> =>
      bench
        .generate({ session: sessions[at] as number, tokens: [7, 8], priority: Priority.agent, maxTokens: count })
        .then(() => done.push(name));
    const start = performance.now();
    const long = ask('long', 0, 2000);
    await wait(5);
    const short = ask('short', 1, 5);
    await short;
    assert.deepEqual(done, ['short'], 'the long one did not keep it until its end');
    console.log(`      a short answer beside a long one: ${(performance.now() - start).toFixed(0)} ms`);
    await long;
  });

  it('ends a paused job soon when it is cancelled, and the one that runs does not notice', async () => {
    const { engine, model } = bench;
    const [slow, busy] = await Promise.all([0, 1].map(() => engine.openSession(model, 0)));
    for (const priority of [Priority.agent, Priority.background]) {
      const job = newJob();
      const first = begun();
      const cancelled = codeOf(
        bench.generate(
          { session: slow as number, job, tokens: await bench.prompt(`p${String(priority)}`, 1900), priority },
          first.onEvent,
        ),
      );
      await first.promise;
      const running = bench.generate({ session: busy as number, tokens: [5, 6], maxTokens: 1500 });
      while (!(await jobs()).some(({ state }) => state === 'paused')) {
        await wait(1);
      }
      const start = performance.now();
      engine.cancel(job);
      assert.equal(await cancelled, 'cancelled');
      const ms = performance.now() - start;
      console.log(`      priority ${String(priority)}: ${ms.toFixed(1)} ms`);
      assert.ok(ms < 500);
      // An answer comes a moment before its job has gone.
      const deadline = performance.now() + 1000;
      let left = await jobs();
      while (left.length > 1 && performance.now() < deadline) {
        await wait(1);
        left = await jobs();
      }
      assert.deepEqual(
        left.map((one) => one.priority),
        [Priority.keystroke],
      );
      assert.equal((await running).tokens.length, 1500);
    }
  });

  it('interrupts a prompt for a more urgent one on the same session, which keeps what is finished', async () => {
    const tokens = await bench.prompt('same', 1900);
    const first = begun();
    const low = bench.generate({ tokens, priority: Priority.background, maxTokens: 0 }, first.onEvent);
    await first.promise;
    const start = performance.now();
    const high = await bench.generate({ tokens: tokens.slice(0, 200), maxTokens: 1 });
    assert.ok(high.reused > 0, 'what was finished');
    console.log(`      after ${(performance.now() - start).toFixed(1)} ms, ${String(high.reused)} tokens reused`);
    const result = await low;
    // The keystroke went back to 200 tokens; the rest was computed once more at the most.
    assert.ok(result.evaluated >= tokens.length - 200 && result.evaluated < 2 * tokens.length);
  });

  it('waits for an answer that is being written on the same session', async () => {
    const job = newJob();
    const first = begun();
    const low = bench.generate({ tokens: [1, 2], job, priority: Priority.agent, maxTokens: 1500 }, (event) => {
      if (event.kind === 'token') {
        first.onEvent();
      }
    });
    await first.promise;
    const high = bench.generate({ tokens: [7, 8, 9], maxTokens: 1 });
    await wait(20);
    assert.deepEqual(
      (await jobs()).map(({ priority, state }) => [priority, state]),
      [
        [Priority.agent, 'running'],
        [Priority.keystroke, 'waiting'],
      ],
    );
    bench.engine.cancel(job);
    assert.equal((await low).reason, 'cancelled');
    assert.equal((await high).tokens.length, 1);
  });

  it('opens and closes sessions while a job runs, and closes one whose job is paused', async () => {
    const { engine, model } = bench;
    const first = begun();
    const session = await engine.openSession(model, 0);
    const tokens = await bench.prompt('housekeeping', 1900);
    const low = bench
      .generate({ session, tokens, priority: Priority.background, maxTokens: 50 }, first.onEvent)
      .catch((error: unknown) => error);
    await first.promise;
    const start = performance.now();
    const opened = await engine.openSession(model, 256);
    await engine.closeSession(opened);
    console.log(`      opened and closed in ${(performance.now() - start).toFixed(1)} ms`);
    const { scratchBytes } = await engine.jobs(model);
    assert.equal(scratchBytes, bench.info.scratchBytes, 'nothing was put aside for that');
    const running = bench.generate({ tokens: [5, 6], maxTokens: 800 });
    while (!(await jobs()).some(({ state }) => state === 'paused')) {
      await wait(1);
    }
    await engine.closeSession(session);
    await low;
    assert.equal((await running).tokens.length, 800);
    assert.equal(await codeOf(bench.generate({ session, tokens: [1] })), 'invalid_argument');
  });

  it('unloads a model whose jobs run, are paused and wait', async () => {
    const { engine, model } = bench;
    const sessions = await Promise.all([0, 1].map(() => engine.openSession(model, 0)));
    const first = begun();
    const tokens = await bench.prompt('unload', 1900);
    const codes = [
      codeOf(bench.generate({ session: sessions[0] as number, tokens, priority: Priority.background }, first.onEvent)),
    ];
    await first.promise;
    codes.push(codeOf(bench.generate({ session: sessions[1] as number, tokens, priority: Priority.chat })));
    codes.push(codeOf(bench.generate({ tokens, priority: Priority.keystroke })));
    codes.push(codeOf(bench.generate({ tokens: [1, 2], priority: Priority.keystroke })));
    await wait(20);
    await engine.unload(model);
    assert.deepEqual(await Promise.all(codes), ['cancelled', 'cancelled', 'cancelled', 'cancelled']);
  });
});
