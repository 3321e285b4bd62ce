/** What the server says of itself for a privacy report: what it keeps, what runs; and that it deletes what it is told to, no more. */
import * as assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BinariesRequest,
  PurgeStorageRequest,
  StorageRequest,
  type StoredFiles,
  type StoredKind,
} from '#protocol';
import { LspClient, root } from './lspClient';

const fingerprint = '0123456789abcdef0123456789abcdef';

describe('integration: what a privacy report is made of', function () {
  this.timeout(60_000);
  let folder: string;
  let storagePath: string;
  let client: LspClient;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki privacy é-'));
    storagePath = join(folder, 'storage');
    mkdirSync(storagePath);
    client = await LspClient.start({ storagePath }, { XDG_DATA_HOME: folder });
  });
  afterEach(async () => {
    await client.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function put(path: string, bytes: number): string {
    const whole = join(storagePath, path);
    mkdirSync(join(whole, '..'), { recursive: true });
    writeFileSync(whole, Buffer.alloc(bytes));
    return whole;
  }
  async function sizes(): Promise<Partial<Record<StoredKind, [bytes: number, files: number]>>> {
    const list = await client.connection.sendRequest<readonly StoredFiles[]>(StorageRequest.method);
    return Object.fromEntries(list.map(({ kind, bytes, files }) => [kind, [bytes, files]]));
  }
  const purge = (params: unknown): Promise<PurgeStorageRequest.Result> =>
    client.connection.sendRequest(PurgeStorageRequest.method, params);

  it('counts all that lies in the storage folder, whatever it is', async () => {
    const nothing: [number, number] = [0, 0];
    assert.deepEqual(await sizes(), {
      savedContext: nothing,
      calibration: nothing,
      strategy: nothing,
      models: nothing,
      conversations: nothing,
      other: nothing,
      commandLine: nothing,
    });
    put(`kv/${fingerprint}.kvc`, 100);
    put(`strategy/${fingerprint}.json`, 10);
    put('models/a/b.gguf', 1000);
    put('pages/x/y', 7);
    put(`chat/${'a'.repeat(32)}/${'0'.repeat(16)}.json`, 30);
    put('stray', 3);
    put('folder/stray', 4);
    put(`../niwaki/kv/${fingerprint}.kvc`, 20);
    assert.deepEqual(await sizes(), {
      savedContext: [7, 1],
      calibration: [100, 1],
      strategy: [10, 1],
      models: [1000, 1],
      conversations: [30, 1],
      other: [7, 2],
      commandLine: [20, 1],
    });
  });

  it('deletes what a store has written, leftovers too, and nothing else', async () => {
    const calibration = put(`kv/${fingerprint}.kvc`, 100);
    const leftover = put(`kv/${fingerprint}.kvc.123.tmp`, 50);
    const stray = put('kv/notes.txt', 5);
    const finding = put(`strategy/${fingerprint}.json`, 10);
    assert.deepEqual(await purge({ kind: 'calibration' }), { bytes: 150, problem: '' });
    assert.deepEqual(
      [calibration, leftover, stray, finding].map((path) => existsSync(path)),
      [false, false, true, true],
    );
    assert.deepEqual(await purge({ kind: 'strategy' }), { bytes: 10, problem: '' });
    assert.ok(!existsSync(join(storagePath, 'strategy')), 'an empty folder goes, too');
    for (const senseless of [{}, { kind: 'models' }, { kind: '../kv' }, undefined]) {
      const { bytes, problem } = await purge(senseless);
      assert.equal(bytes, 0);
      assert.match(problem, /needs a "kind"/);
    }
    assert.ok(existsSync(stray));
  });

  it('follows no link out of its folder', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'niwaki elsewhere-'));
    try {
      const file = join(elsewhere, `${fingerprint}.kvc`);
      writeFileSync(file, Buffer.alloc(9));
      symlinkSync(elsewhere, join(storagePath, 'kv'));
      assert.deepEqual((await sizes()).calibration, [0, 1]);
      assert.deepEqual(await purge({ kind: 'calibration' }), { bytes: 0, problem: '' });
      assert.ok(existsSync(file));
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });

  it('hashes the very files that run, and the model', async () => {
    const { files, runtime } = await client.connection.sendRequest<BinariesRequest.Result>(
      BinariesRequest.method,
    );
    const addon = files.find(({ path }) => path.endsWith('/niwaki.node'));
    for (const path of [
      'dist/server.js',
      'dist/extension.js',
      'models/nano.gguf',
      addon?.path ?? 'the addon',
    ]) {
      const contents = readFileSync(join(root, path));
      assert.deepEqual(
        files.find((file) => file.path === path),
        { path, bytes: contents.length, sha256: createHash('sha256').update(contents).digest('hex') },
      );
    }
    assert.deepEqual(runtime.node, process.versions.node);
  });
});
