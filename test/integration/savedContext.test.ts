/** Saved context in a server that works: how much there is, and that it is deleted when it should be, and then only. */
import * as assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PurgeSavedContextRequest, SavedContextRequest, type SavedContext } from '#protocol';
import { KvPageFolders } from '../../server/src/models';
import { LspClient, root, settings } from './lspClient';

const [, page = ''] =
  /^page (.*)$/m.exec(readFileSync(join(root, 'test', 'golden', 'kv-page-names.txt'), 'utf8')) ?? [];
const workspace = 'file:///w';

describe('integration: saved context', function () {
  this.timeout(60_000);
  let storagePath: string;
  let folders: KvPageFolders;
  let client: LspClient | undefined;

  beforeEach(() => {
    storagePath = mkdtempSync(join(tmpdir(), 'niwaki saved é-'));
    folders = new KvPageFolders(storagePath);
  });
  afterEach(async () => {
    await client?.stop();
    client = undefined;
    rmSync(storagePath, { recursive: true, force: true });
  });

  async function start(kvDiskMB: number, withStorage = true): Promise<LspClient> {
    client = await LspClient.start({
      settings: { ...settings, kvDiskMB },
      ...(withStorage && { storagePath }),
    });
    return client;
  }
  function put(uri: string, bytes: number): string {
    const path = join(folders.folderOf(uri), page);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, Buffer.alloc(bytes));
    return path;
  }
  const saved = (from: LspClient): Promise<SavedContext> =>
    from.connection.sendRequest(SavedContextRequest.method);
  const purge = (from: LspClient, params: unknown): Promise<PurgeSavedContextRequest.Result> =>
    from.connection.sendRequest(PurgeSavedContextRequest.method, params);

  it('is counted, and deleted for a workspace or for all', async () => {
    const mine = put(workspace, 1000);
    const others = put('file:///elsewhere', 500);
    const server = await start(100);
    const root = folders.root;
    assert.deepEqual(await saved(server), { folder: root, limitBytes: 100 * 2 ** 20, bytes: 1500, files: 2 });
    assert.deepEqual(await purge(server, { workspaces: [workspace] }), { bytes: 1000, problem: '' });
    assert.ok(!existsSync(mine) && existsSync(others));
    assert.deepEqual(await purge(server, { workspaces: [] }), { bytes: 0, problem: '' });
    for (const senseless of [{}, { workspaces: 'all' }, { workspaces: [5] }, undefined]) {
      const { bytes, problem } = await purge(server, senseless);
      assert.equal(bytes, 0);
      assert.match(problem, /needs "workspaces"/);
    }
    assert.ok(existsSync(others));
    assert.deepEqual(await purge(server, { workspaces: null }), { bytes: 500, problem: '' });
    assert.deepEqual(readdirSync(storagePath), []);
    assert.equal((await server.status()).state, 'asleep', 'no model was loaded for it');
  });

  it('goes when saving is switched off, and stays as long as it is on', async () => {
    const path = put(workspace, 1000);
    const server = await start(100);
    await server.configure({ kvDiskMB: 50 });
    assert.equal((await saved(server)).limitBytes, 50 * 2 ** 20);
    assert.ok(existsSync(path));
    await server.configure({ kvDiskMB: 0 });
    const end = Date.now() + 10_000;
    while (existsSync(path)) {
      assert.ok(Date.now() < end, 'deleted in time');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.deepEqual(await saved(server), { folder: folders.root, limitBytes: 0, bytes: 0, files: 0 });
  });

  it('needs a folder, and touches nothing without one', async () => {
    const path = put(workspace, 1000);
    const server = await start(0, false);
    assert.deepEqual(await saved(server), { folder: '', limitBytes: 0, bytes: 0, files: 0 });
    assert.deepEqual(await purge(server, { workspaces: null }), { bytes: 0, problem: '' });
    assert.ok(existsSync(path));
  });
});
