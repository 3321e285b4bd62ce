import * as assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isSavedFolder, KvPageFolders, savedFileKind } from '../../../server/src/models';

const names = readFileSync(join(__dirname, '..', '..', 'golden', 'kv-page-names.txt'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split(' ') as [string, string]);
const [, page = ''] = names.find(([kind]) => kind === 'page') ?? [];
const [, temporary = ''] = names.find(([kind]) => kind === 'temporary') ?? [];

describe('models: folders of saved context', () => {
  let storage: string;
  let folders: KvPageFolders;

  beforeEach(() => {
    storage = mkdtempSync(join(tmpdir(), 'niwaki pages é-'));
    folders = new KvPageFolders(storage);
  });
  afterEach(() => {
    rmSync(storage, { recursive: true, force: true });
  });

  /** A file of so many bytes in a workspace's folder; returns its path. */
  function put(workspace: string, name: string, bytes: number): string {
    const path = join(folders.folderOf(workspace), name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, Buffer.alloc(bytes, 1));
    return path;
  }
  const other = page.replace(/^./, page.startsWith('0') ? '1' : '0');

  it('knows the names that the engine gives its files, and takes no others for them', () => {
    assert.ok(names.length >= 20);
    for (const [kind, name] of names) {
      assert.equal(savedFileKind(name) ?? (isSavedFolder(name) ? 'folder' : 'other'), kind, name);
    }
  });

  it('gives each folder of a workspace one of its own, whose name says nothing', () => {
    const uris = ['', 'file:///home/alice/secret', 'file:///home/alice/secret2', 'vscode-vfs://github/a/b'];
    const paths = uris.map((uri) => folders.folderOf(uri));
    assert.equal(new Set(paths).size, uris.length);
    for (const path of paths) {
      assert.equal(dirname(path), folders.root);
      assert.match(basename(path), /^[0-9a-f]{32}$/);
    }
    assert.equal(folders.folderOf('file:///w/'), folders.folderOf('file:///w'));
    // Saved files are found by it in later versions, too.
    assert.equal(basename(folders.folderOf('file:///w')), 'b2aa91183c2e7bcf8501c7eb551062ce');
    assert.ok(!existsSync(folders.root), 'and makes none');
  });

  it('adds up what is there', async () => {
    assert.deepEqual(await folders.size(), { bytes: 0, files: 0 });
    put('a', page, 100);
    put('a', temporary, 20);
    put('b', page, 3);
    put('b', 'notes.txt', 5000);
    writeFileSync(join(folders.root, page), 'not in a folder of a workspace');
    assert.deepEqual(await folders.size(), { bytes: 123, files: 2 });
  });

  it('deletes what belongs to a workspace, and nothing else', async () => {
    const gone = [put('a', page, 100), put('a', other, 50), put('a', temporary, 20)];
    const kept = [put('b', page, 3), put('a', 'notes.nkv', 7)];
    assert.deepEqual(await folders.purge(['a', 'never seen']), { bytes: 170, problem: '' });
    assert.deepEqual(gone.filter(existsSync), []);
    assert.deepEqual(kept.filter(existsSync), kept);
    assert.deepEqual(await folders.purge(['a']), { bytes: 0, problem: '' });
    assert.deepEqual(await folders.purge(['b']), { bytes: 3, problem: '' });
    assert.ok(!existsSync(folders.folderOf('b')));
    assert.ok(existsSync(folders.folderOf('a')), "somebody else's file is in it");
  });

  it('deletes everything, and the folders with it', async () => {
    assert.deepEqual(await folders.purge(null), { bytes: 0, problem: '' });
    put('a', page, 100);
    put('', other, 11);
    writeFileSync(join(storage, 'kept'), 'x');
    assert.deepEqual(await folders.purge(null), { bytes: 111, problem: '' });
    assert.deepEqual(readdirSync(storage), ['kept']);
    const mine = put('a', 'mine.txt', 5);
    const elsewhere = join(folders.root, 'other');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, page), 'x');
    put('b', page, 9);
    assert.deepEqual(await folders.purge(null), { bytes: 9, problem: '' });
    assert.ok(existsSync(mine) && existsSync(join(elsewhere, page)));
  });

  it('follows no link', async function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    const outside = mkdtempSync(join(tmpdir(), 'niwaki outside-'));
    try {
      const victim = join(outside, page);
      writeFileSync(victim, 'precious');
      mkdirSync(folders.root);
      symlinkSync(outside, folders.folderOf('a'));
      const link = put('b', 'x', 1).replace(/x$/, other);
      symlinkSync(victim, link);
      assert.deepEqual(await folders.size(), { bytes: 0, files: 1 });
      assert.deepEqual(await folders.purge(null), { bytes: 0, problem: '' });
      assert.deepEqual(await folders.purge(['a']), { bytes: 0, problem: '' });
      assert.ok(existsSync(victim) && !existsSync(link));
      rmSync(folders.root, { recursive: true });
      const nested = join(outside, basename(folders.folderOf('a')));
      mkdirSync(nested);
      writeFileSync(join(nested, page), 'precious too');
      symlinkSync(outside, folders.root);
      assert.deepEqual(await folders.purge(null), { bytes: 0, problem: '' });
      assert.deepEqual(await folders.purge(['a']), { bytes: 0, problem: '' });
      assert.ok(existsSync(join(nested, page)));
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it('says what it could not delete', async function () {
    if (process.platform === 'win32' || process.getuid?.() === 0) {
      this.skip(); // root may delete everything
    }
    const path = put('a', page, 10);
    chmodSync(dirname(path), 0o500);
    const { bytes, problem } = await folders.purge(null);
    chmodSync(dirname(path), 0o700);
    assert.equal(bytes, 0);
    assert.match(problem, /1 files of saved context could not be deleted: EACCES/);
  });
});
