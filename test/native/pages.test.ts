/** Pages of the KV cache that sessions share, keep, give back and save, as the server sees them. */
import * as assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineSession, type SessionHandle } from '../../server/src/engine';
import { Bench, codeOf, newJob } from './support';

describe('native engine: shared pages', () => {
  let bench: Bench;
  let tokens: readonly number[];

  before(async () => {
    bench = await Bench.open();
    tokens = await bench.prompt('shared pages', 700);
  });

  after(() => bench.engine.dispose());

  afterEach(() => bench.engine.setKvBudget(bench.model, 0));

  async function open(user?: 'chat' | 'completion'): Promise<SessionHandle> {
    return bench.engine.openSession(bench.model, 0, 'kv4', user === undefined ? {} : { user });
  }

  it('shares what another session has computed, and counts it by user', async () => {
    const [a, b] = [await open('chat'), await open('completion')];
    const wanted = await bench.generate({ session: a, tokens, maxTokens: 12 });
    const got = await bench.generate({ session: b, tokens, maxTokens: 12 });
    assert.deepEqual(got.tokens, wanted.tokens);
    assert.equal(got.shared, Math.floor((tokens.length - 1) / 128) * 128);
    assert.equal(got.reused, got.shared);
    assert.equal(got.reused + got.evaluated, tokens.length);
    const { chat, completion } = await bench.engine.kvCounters(bench.model);
    assert.deepEqual([chat.computed, chat.shared], [tokens.length, 0]);
    assert.deepEqual([completion.computed, completion.shared], [got.evaluated, got.shared]);
    await Promise.all([bench.engine.closeSession(a), bench.engine.closeSession(b)]);
    assert.equal(await bench.engine.kvBytes(bench.model), 0);
  });

  it('forks, rolls back, and says what is wrong with doing so', async () => {
    const trunk = await open();
    await bench.generate({ session: trunk, tokens, maxTokens: 0 });
    const before = await bench.engine.kvBytes(bench.model);
    const fork = await bench.engine.forkSession(trunk);
    assert.equal(await bench.engine.kvBytes(bench.model), before, 'nothing is copied until one goes on');
    const wanted = await bench.generate({ session: trunk, tokens: [...tokens, 7], maxTokens: 8 });
    const got = await bench.generate({ session: fork, tokens: [...tokens, 7], maxTokens: 8 });
    assert.deepEqual(got.tokens, wanted.tokens);
    assert.equal(got.evaluated, 1);
    await bench.engine.rollbackSession(fork, 100);
    assert.equal(await codeOf(bench.engine.rollbackSession(fork, 5000)), 'invalid_argument');
    const again = await bench.generate({ session: fork, tokens: [...tokens, 7], maxTokens: 8 });
    assert.deepEqual(again.tokens, wanted.tokens);
    await Promise.all([bench.engine.closeSession(trunk), bench.engine.closeSession(fork)]);
    assert.equal(await codeOf(bench.engine.forkSession(fork)), 'invalid_argument');
  });

  it('keeps within its budget what closed sessions leave behind, the pinned ones longest', async () => {
    const one = await bench.engine.kvBytesFor(bench.info, 'kv4', tokens.length);
    await bench.engine.setKvBudget(bench.model, 3 * one);
    const pinned = await open();
    await bench.generate({ session: pinned, tokens, maxTokens: 0 });
    await bench.engine.pinSession(pinned, 512);
    for (let i = 1; i < 8; i += 1) {
      const session = await open();
      await bench.generate({ session, tokens: [i, ...tokens], maxTokens: 0 });
      await bench.engine.closeSession(session);
      assert.ok((await bench.engine.kvBytes(bench.model)) <= 3 * one);
    }
    const back = await bench.generate({ session: pinned, tokens, maxTokens: 0 });
    assert.equal(back.reused, 512);
    await bench.engine.closeSession(pinned);
  });

  it('moves what follows an edit where the request allows it, and computes it exactly where not', async () => {
    const session = await open();
    const edited = [...tokens.slice(0, 200), 7, 8, ...tokens.slice(200)];
    await bench.generate({ session, tokens, maxTokens: 0 });
    const quick = await bench.generate({ session, tokens: edited, maxTokens: 0, shift: true });
    assert.ok(quick.shifted >= 256, String(quick.shifted));
    assert.equal(quick.reused + quick.evaluated, edited.length);
    const exact = await bench.generate({ session, tokens: edited, maxTokens: 8 });
    assert.ok(exact.evaluated >= quick.shifted);
    const other = await open();
    const wanted = await bench.generate({ session: other, tokens: edited, maxTokens: 8 });
    assert.deepEqual(exact.tokens, wanted.tokens);
    await Promise.all([bench.engine.closeSession(session), bench.engine.closeSession(other)]);
  });

  it('saves pages, and another engine goes on from them', async () => {
    const root = mkdtempSync(join(tmpdir(), 'niwaki-pages-'));
    const saved = { root: join(root, 'pages'), folder: 'a'.repeat(32), bytes: 2 ** 30 };
    try {
      const session = await EngineSession.open(bench.engine, bench.model, 0, 'kv4', { saved });
      const wanted = await session.generate({ priority: 0, tokens, maxTokens: 8 });
      await session.save(AbortSignal.abort());
      await session.save(new AbortController().signal);
      const pages = Math.floor((tokens.length - 1) / 128);
      assert.equal(readdirSync(join(saved.root, saved.folder)).length, pages);
      await session.close();
      const other = await Bench.open();
      const found = await other.engine.openSession(other.model, 0, 'kv4', { saved });
      const got = await other.engine.generate(
        { session: found, job: newJob(), priority: 0, tokens, maxTokens: 8 },
        () => undefined,
      );
      assert.deepEqual(got.tokens, wanted.tokens);
      assert.equal(got.reused, pages * 128);
      assert.equal((await other.engine.kvCounters(other.model)).other.restored, pages * 128);
      await other.engine.dispose();
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
