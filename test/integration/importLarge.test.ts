/** A model of 1.2 GB and a disk that is full: the real server, the real file system. */
import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { shapes, writeGguf } from '../support/ggufWriter';
import { bigShape, ImportClient } from './importSupport';

const neededBytes = 3e9;

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(piece as Buffer);
  }
  return hash.digest('hex');
}

async function until(what: string, met: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; !met();) {
    assert.ok(Date.now() < end, `${what}: not within 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('integration: importing a model of 1.2 GB', function () {
  this.timeout(240_000);
  let root = '';
  let storage: string;
  let big: string;
  let bytes: number;
  let client: ImportClient | undefined;

  before(function () {
    const { bavail, bsize } = statfsSync(tmpdir());
    if (bavail * bsize < neededBytes) {
      console.log(`    skipped: ${tmpdir()} has less than 3 GB free`);
      this.skip();
    }
    root = mkdtempSync(join(tmpdir(), 'niwaki-big-'));
    big = join(root, 'big.gguf');
    bytes = writeGguf(big, { shape: bigShape, type: 'BF16', name: 'Big' }).fileBytes;
    assert.ok(bytes >= 1.15e9, `only ${String(bytes)} bytes`);
  });
  beforeEach(() => {
    storage = mkdtempSync(join(root, 'storage-'));
  });
  afterEach(async () => {
    await client?.stop();
    client = undefined;
    rmSync(storage, { recursive: true, force: true });
  });
  after(() => {
    if (root !== '') {
      rmSync(root, { recursive: true, force: true });
    }
  });

  it('copies it in seconds, says how far it is, and answers meanwhile', async () => {
    client = await ImportClient.start(storage);
    const started = performance.now();
    const finished = new AbortController();
    const importing = client.import(big).finally(() => {
      finished.abort();
    });
    let slowest = 0;
    let answers = 0;
    while (!finished.signal.aborted) {
      const asked = performance.now();
      await client.lsp.status();
      slowest = Math.max(slowest, performance.now() - asked);
      answers += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const { problem, model } = await importing;
    const seconds = (performance.now() - started) / 1000;
    console.log(
      `    ${(bytes / 1e9).toFixed(2)} GB in ${seconds.toFixed(1)} s; ${String(answers)} requests answered meanwhile, the slowest after ${slowest.toFixed(0)} ms`,
    );
    assert.equal(problem, '');
    assert.ok(seconds < 120, `took ${seconds.toFixed(1)} s`);
    assert.ok(answers > 5 && slowest < 2_000);
    const copying = client.progress.filter(({ phase }) => phase === 'copying');
    assert.ok(copying.length >= 3, `${String(copying.length)} steps`);
    assert.ok(copying.every(({ total, job }) => total === bytes && job === big));
    assert.deepEqual(
      copying.map((step) => step.done),
      copying.map((step) => step.done).sort((a, b) => a - b),
    );
    const copy = model?.path ?? '';
    assert.equal(statSync(copy).size, bytes);
    const report = await client.inspect(model?.id ?? '');
    const sha256 = await sha256Of(big);
    assert.deepEqual([report?.sha256, await sha256Of(copy)], [sha256, sha256]);
    assert.deepEqual(client.names(), [`${model?.id ?? ''}-big.gguf`, `${model?.id ?? ''}.json`]);
  });

  it('is cancelled midway, and leaves nothing behind', async () => {
    const importer = (client = await ImportClient.start(storage));
    const source = new CancellationTokenSource();
    const importing = importer.import(big, 'copy', source.token);
    await until('some of it is copied', () => importer.progress.some((step) => step.done > 0));
    source.cancel();
    const { cancelled, model, problem } = await importing;
    assert.deepEqual([cancelled, model, problem], [true, null, '']);
    const last = importer.progress.at(-1);
    assert.ok(last !== undefined && last.done < bytes, 'it was copied to the end');
    assert.deepEqual(importer.names(), []);
    assert.equal((await importer.list()).models.length, 1); // the built-in one
  });

  it('is given up when the window is closed in the middle, and leaves nothing behind', async () => {
    const importer = await ImportClient.start(storage);
    const importing = importer.import(big).catch((error: unknown) => error);
    await until('some of it is copied', () => importer.progress.some((step) => step.done > 0));
    await importer.stop();
    await importing;
    assert.deepEqual(importer.names(), []);
  });

  it('is cleared up by the next server when its own was killed', async () => {
    const importer = (client = await ImportClient.start(storage));
    const importing = importer.import(big).catch((error: unknown) => error);
    await until('some of it is copied', () => importer.progress.some((step) => step.done > 0));
    importer.lsp.child.kill('SIGKILL');
    await importer.lsp.exited;
    importer.lsp.connection.dispose();
    assert.ok((await importing) instanceof Error);
    const left = importer.names();
    assert.ok(left.length === 1 && left.every((name) => name.endsWith('.part')), left.join());
    const next = (client = await ImportClient.start(storage));
    await until('the part is swept', () => next.names().length === 0);
    assert.equal((await next.list()).models.length, 1);
  });

  it('is noted where it lies without a copy', async () => {
    client = await ImportClient.start(storage);
    const { problem, model } = await client.import(big, 'reference');
    assert.deepEqual([problem, model?.path], ['', big]);
    assert.deepEqual(client.names(), [`${model?.id ?? ''}.json`]);
    assert.ok(client.progress.some(({ phase, total }) => phase === 'hashing' && total === bytes));
  });
});

describe('integration: importing to a full disk', function () {
  this.timeout(60_000);
  let root = '';
  let client: ImportClient | undefined;

  before(function () {
    const tried = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', tmpdir()]);
    if (tried.status !== 0) {
      console.log('    skipped: no small file system can be mounted here (it takes unshare -rm)');
      this.skip();
    }
    root = mkdtempSync(join(tmpdir(), 'niwaki-full-'));
  });
  afterEach(async () => {
    await client?.stop();
    client = undefined;
  });
  after(() => {
    if (root !== '') {
      rmSync(root, { recursive: true, force: true });
    }
  });

  /** A server whose storage is a file system of its own, of so many megabytes. Other processes see an empty folder there. */
  async function startOnSmallDisk(megabytes: number): Promise<ImportClient> {
    const storage = join(root, 'storage');
    mkdirSync(storage, { recursive: true });
    const mount = `mount -t tmpfs -o size=${String(megabytes)}m none '${storage}'`;
    return (client = await ImportClient.start(
      storage,
      {},
      `exec unshare -rm /bin/sh -c "${mount} && exec \\"\\$0\\" \\"\\$@\\"" "$0" "$@"`,
    ));
  }
  /** As the server sees it. */
  function namesIn(server: ImportClient): string[] {
    const seenFrom = `/proc/${String(server.lsp.child.pid)}/root`;
    assert.ok(existsSync(seenFrom), 'the server runs');
    const seen = `${seenFrom}${server.folder}`;
    return existsSync(seen) ? readdirSync(seen).sort() : [];
  }
  function model(name: string, megabytes: number): string {
    const path = join(root, name);
    const { feedForward, ...shape } = { ...shapes.tiny, embedding: 1024 };
    // Three matrices a layer of 1024 x feedForward in BF16, and two layers.
    const wide = Math.round((megabytes * 1e6) / (3 * 2 * 1024 * 2) / 128) * 128;
    assert.ok(wide > feedForward);
    writeGguf(path, { shape: { ...shape, feedForward: wide }, type: 'BF16', name, seed: name.length });
    return path;
  }

  it('says before it copies how much is missing', async () => {
    const server = await startOnSmallDisk(32);
    const { problem, model: imported } = await server.import(model('large.gguf', 40));
    assert.match(
      problem,
      /There is no room for a copy .* takes 4\d MB, .* has 3\d MB free\. Make room, or import .* by reference/,
    );
    assert.equal(imported, null);
    assert.deepEqual(namesIn(server), []);
  });

  it('leaves nothing of what no longer found room while others were written', async () => {
    const server = await startOnSmallDisk(64);
    const files = ['a.gguf', 'bb.gguf', 'ccc.gguf'].map((name) => model(name, 30));
    const results = await Promise.all(files.map((path) => server.import(path)));
    const done = results.filter(({ problem }) => problem === '');
    const full = results.filter(({ problem }) => problem !== '');
    console.log(
      `    ${String(full.length)} of 3 found the disk full: ${full[0]?.problem.slice(0, 60) ?? ''}…`,
    );
    assert.ok(full.length >= 1);
    assert.ok(
      full.every(({ problem }) => /disk is full|no room/.test(problem)),
      JSON.stringify(full),
    );
    assert.equal(namesIn(server).length, 2 * done.length); // a copy and an entry each
    assert.equal((await server.list()).models.length, 1 + done.length);
  });

  it('says in the middle of a copy that the disk is full, where something else has filled it', async () => {
    const server = await startOnSmallDisk(256);
    const path = model('slow.gguf', 200);
    const pid = server.lsp.child.pid ?? assert.fail();
    const inside = `/proc/${String(pid)}/root${join(server.folder, '..', 'filler')}`;
    const filler = Buffer.alloc(8 << 20, 1);
    // The server is stopped in the middle. Where it was quicker, it is tried again.
    for (let tries = 0; ; tries += 1) {
      const importing = server.import(path);
      const part = (): boolean => namesIn(server).some((name) => name.endsWith('.part'));
      let isOver = false;
      void importing.finally(() => {
        isOver = true;
      });
      await until('it is being copied', () => isOver || part());
      process.kill(pid, 'SIGSTOP');
      try {
        if (part()) {
          assert.throws(() => {
            for (let i = 0; i < 300; i += 1) {
              writeFileSync(inside, filler, { flag: 'a' });
            }
          }, /ENOSPC/);
        }
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      const { problem, model: imported } = await importing;
      if (problem !== '') {
        assert.match(problem, /The disk is full: .* Nothing of it was kept\. Make room/);
        assert.deepEqual(namesIn(server), []);
        return;
      }
      assert.ok(tries < 10, 'the server was quicker ten times');
      rmSync(inside, { force: true });
      await server.remove(imported?.id ?? '');
    }
  });
});
