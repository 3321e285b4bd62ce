/** What happens to the files, the disk and the processes around a server that works. */
import * as assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { shapeNamed, writeGguf } from '../support/ggufWriter';
import { LspClient, root, settings } from './lspClient';

const nano = join(root, 'models', 'nano.gguf');
const uri = 'file:///w/src/list.ts';
const repetitive = `${Array.from({ length: 12 }, (_, i) => `items.push(new Item(${String(i)}));`).join('\n')}\n`;

/** Whether a line of which nobody doubts the end is completed. */
async function completes(client: LspClient): Promise<boolean> {
  await client.open(uri, `${repetitive}items.pu`);
  const items = await client.complete(uri, { line: 12, character: 8 });
  await client.close(uri);
  return items.length === 1;
}

/** Processor time in clock ticks, and how often its threads have been woken. Linux only. */
function activity(pid: number): { ticks: number; wakeUps: number } {
  const fields =
    readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ') ?? [];
  const threads = readdirSync(`/proc/${String(pid)}/task`).map((thread) =>
    readFileSync(`/proc/${String(pid)}/task/${thread}/status`, 'utf8'),
  );
  const woken = threads.map((status) => Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]));
  return { ticks: Number(fields[11]) + Number(fields[12]), wakeUps: woken.reduce((sum, n) => sum + n, 0) };
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('integration: models that move, shrink and come back', function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki life é-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function copy(name: string): string {
    const path = join(folder, name);
    copyFileSync(nano, path);
    return path;
  }

  async function start(modelPath: string, more: Partial<typeof settings> = {}): Promise<LspClient> {
    return LspClient.start({ settings: { ...settings, modelPath, ...more } });
  }

  it('loads nothing until a document is opened that may be completed', async () => {
    const off = { ...settings.completion, languages: { '*': true, plaintext: false } };
    const lazy = await start(copy('mine.gguf'), { completion: off });
    await lazy.open('file:///w/notes.txt', 'x', 'plaintext');
    await wait(200);
    const { state, memory } = await lazy.status();
    assert.equal(state, 'asleep');
    assert.equal(memory.weights + memory.kv + memory.scratch, 0);
    if (process.platform === 'linux') {
      const maps = readFileSync(`/proc/${String(lazy.child.pid)}/maps`, 'utf8');
      assert.ok(!maps.includes('niwaki.node') && !maps.includes('.gguf'));
    }
    assert.ok(await completes(lazy));
    assert.ok((await lazy.status()).memory.weights > 0);
    await lazy.stop();
  });

  it('names the file and the reason when a model is cut short, and goes on with the built-in one', async () => {
    const path = copy('short.gguf');
    truncateSync(path, 100_000);
    const client = await start(path);
    assert.ok(await completes(client));
    const { problem, embedded, state } = await client.status();
    assert.equal(state, 'ready');
    assert.equal(embedded, true);
    assert.ok(problem.includes(path) && problem.includes('built-in model'), problem);
    await client.stop();
  });

  it('goes on when the file of the loaded model is cut, moved or deleted', async () => {
    const path = copy('mine.gguf');
    const client = await start(path);
    assert.ok(await completes(client));
    truncateSync(path, 1000);
    assert.ok(await completes(client));
    renameSync(path, join(folder, 'elsewhere.gguf'));
    assert.ok(await completes(client));
    rmSync(join(folder, 'elsewhere.gguf'));
    assert.ok(await completes(client));
    const { problem, embedded, pid } = await client.status();
    assert.deepEqual([problem, embedded, pid], ['', false, client.child.pid]);
    await client.stop();
  });

  it('survives a file that is cut short while it is being read', async () => {
    const path = join(folder, 'large.gguf');
    for (const delay of [0, 30, 120]) {
      writeGguf(path, {
        shape: shapeNamed('qwen3-1.7B', 2),
      });
      const client = await start(path);
      await client.open(uri, 'x'); // wakes it
      await wait(delay);
      truncateSync(path, 5_000_000);
      const { state, problem } = await client.ready();
      assert.equal(state, 'ready');
      assert.ok(problem === '' || problem.includes(path), problem);
      await client.stop();
      assert.deepEqual(await client.exited, { code: 0, signal: null });
    }
  });

  it('switches between models without losing open documents', async () => {
    const other = copy('other.gguf');
    const client = await start('');
    await client.open(uri, `${repetitive}items.pu`);
    for (const modelPath of [other, '', other, '']) {
      await client.configure({ modelPath });
      await client.until('switched', (s) => s.state === 'ready' && s.embedded === (modelPath === ''));
      assert.equal((await client.complete(uri, { line: 12, character: 8 })).length, 1);
    }
    await client.stop();
  });

  it('frees a model that nobody uses; a file that has gone by then is named', async () => {
    const path = copy('mine.gguf');
    const client = await start(path, { unloadAfterMinutes: 0.005 });
    assert.ok(await completes(client));
    const asleep = await client.until('asleep', (status) => status.state === 'asleep');
    assert.equal(asleep.memory.weights + asleep.memory.kv, 0);
    assert.ok(await completes(client), 'comes back by itself');
    assert.equal((await client.status()).embedded, false);
    await client.until('asleep', (status) => status.state === 'asleep');
    rmSync(path);
    assert.ok(await completes(client));
    const { problem, embedded } = await client.status();
    assert.equal(embedded, true);
    assert.ok(problem.includes(path), problem);
    await client.stop();
  });

  it('is quiet when it is told to be', async () => {
    const client = await start('', { quiet: 'always' });
    assert.equal((await client.ready()).quiet, true);
    const started = performance.now();
    assert.ok(await completes(client));
    // lspClient asks as an editor does after a keystroke.
    assert.ok(performance.now() - started >= 290, 'waits for a pause in typing');
    await client.configure({ quiet: 'off' });
    assert.equal((await client.status()).quiet, false);
    await client.stop();
  });
});

describe('integration: hard times', function () {
  this.timeout(60_000);

  before(function () {
    if (process.platform === 'win32') {
      this.skip(); // no such limits and places
    }
  });

  it('works when nothing can be written: a full disk', async () => {
    const client = await LspClient.start({}, {}, 'ulimit -f 0');
    assert.ok(await completes(client));
    await client.stop();
    assert.deepEqual(await client.exited, { code: 0, signal: null });
  });

  it('works when home and temporary folder are read-only or missing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'niwaki-'));
    mkdirSync(join(folder, 'tmp'), { mode: 0o500 });
    for (const place of [join(folder, 'tmp'), '/proc/1', '/nowhere']) {
      const client = await LspClient.start({}, { HOME: place, TMPDIR: place, XDG_CACHE_HOME: place });
      assert.ok(await completes(client), place);
      await client.stop();
    }
    assert.deepEqual(readdirSync(join(folder, 'tmp')), [], 'nothing was written');
    rmSync(folder, { recursive: true });
  });

  it('leaves nothing behind when it is killed in the middle of a job', async () => {
    const client = await LspClient.start();
    await client.ready();
    await client.open(uri, `${repetitive.repeat(30)}items.pu`);
    const lost = client.complete(uri, { line: 360, character: 8 }).catch(() => 'lost');
    await wait(5);
    client.child.kill('SIGKILL');
    assert.deepEqual(await client.exited, { code: null, signal: 'SIGKILL' });
    client.connection.dispose();
    assert.equal(await Promise.race([lost, wait(1000).then(() => 'lost')]), 'lost');
    const next = await LspClient.start();
    assert.ok(await completes(next));
    await next.stop();
  });

  it('sleeps when there is nothing to do: no processor time, no timer', async function () {
    if (process.platform !== 'linux') {
      this.skip();
    }
    this.timeout(180_000);
    // One that has had nothing to make, and one that has calibrated a model in the background, careful layers and all.
    const folder = mkdtempSync(join(tmpdir(), 'niwaki-'));
    copyFileSync(nano, join(folder, 'mine.gguf'));
    const clients = [
      await LspClient.start(),
      await LspClient.start({
        settings: { ...settings, modelPath: join(folder, 'mine.gguf') },
        storagePath: join(folder, 'storage'),
        calibrateAfterSeconds: 0.05,
      }),
    ];
    for (const client of clients) {
      assert.ok(await completes(client));
      while (!(await client.modelInfo())?.kv.calibration.endsWith('at 8 bits')) {
        await wait(50);
      }
    }
    // V8 tidies its heap some time after it was last used, eight to ten seconds on a quiet machine and once more if it was
    // disturbed; behind that is nothing.
    const pids = clients.map((client) => client.child.pid ?? assert.fail());
    const nothing = pids.map(() => ({ ticks: 0, wakeUps: 0 }));
    let spent = nothing.map(() => ({ ticks: 1, wakeUps: 1 }));
    // Four times in a row: longer than the periods that timers have.
    for (let [seconds, quiet] = [0, 0]; seconds < 90 && quiet < 4; seconds += 3) {
      const before = pids.map(activity);
      await wait(3_000);
      spent = pids.map(activity).map(({ ticks, wakeUps }, i) => ({
        ticks: ticks - (before[i]?.ticks ?? 0),
        wakeUps: wakeUps - (before[i]?.wakeUps ?? 0),
      }));
      quiet = isDeepStrictEqual(spent, nothing) ? quiet + 1 : 0;
      console.log(`      ${String(seconds)} to ${String(seconds + 3)} s: ${JSON.stringify(spent)}`);
    }
    assert.deepEqual(spent, nothing);
    for (const client of clients) {
      await client.stop();
    }
    rmSync(folder, { recursive: true });
  });
});
