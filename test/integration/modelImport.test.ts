/** Importing, inspecting, measuring, using and removing models: the real server, the real engine, small models. */
import * as assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { SavedContextRequest, type SavedContext } from '#protocol';
import { KvPageFolders } from '../../server/src/models';
import { copyWithMetadata } from '../support/ggufEdit';
import { shapes, writeGguf } from '../support/ggufWriter';
import { ImportClient } from './importSupport';
import { root, settings } from './lspClient';

const nano = join(root, 'models', 'nano.gguf');
const uri = 'file:///w/a.ts';

describe('integration: importing models', function () {
  this.timeout(60_000);
  let folder: string;
  let storage: string;
  let clients: ImportClient[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'niwaki import é-'));
    storage = join(folder, 'storage');
    clients = [];
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(options: Parameters<typeof ImportClient.start>[1] = {}): Promise<ImportClient> {
    const client = await ImportClient.start(storage, options);
    clients.push(client);
    return client;
  }
  /** The embedded model's weights, and a header that says something else of itself. */
  function mine(name = 'mine.gguf', comment = name): string {
    const path = join(folder, name);
    copyWithMetadata(nano, path, { 'test.comment': comment });
    return path;
  }
  async function imported(client: ImportClient, path: string, kind: 'copy' | 'reference' = 'copy') {
    const { problem, model } = await client.import(path, kind);
    assert.equal(problem, '');
    assert.ok(model !== null);
    return model;
  }

  it('tells what a file is before it is imported', async () => {
    const client = await start();
    const { problem, architecture, bytes, contextLength, parameters, known, freeBytes } =
      await client.check(mine());
    assert.deepEqual([problem, architecture, contextLength, known.match], ['', 'qwen3', 2048, 'claims']);
    assert.ok(bytes > 2e6 && parameters > 1e6 && freeBytes > 1e6);
  });

  it('reports on an imported model, and measures it', async () => {
    const client = await start();
    const path = join(folder, 'synthetic.gguf');
    writeGguf(path, { shape: { ...shapes.tiny, context: 40_000 }, embeddingType: 'Q8_0', name: 'Tiny' });
    const { id } = await imported(client, path);
    const before = await client.inspect(id);
    assert.ok(before !== null && before.speed === null);
    assert.deepEqual([before.refused, before.architecture, before.layers], ['', 'qwen3', 2]);
    assert.deepEqual(before.formats.map(({ type }) => type).sort(), ['F32', 'Q1_0', 'Q8_0']);
    assert.match(before.fillIn, /Not known yet/);
    assert.deepEqual(
      before.memory.map(({ tokens }) => tokens),
      [8192, 32_768],
    );
    const [at8k, at32k] = before.memory;
    assert.ok(at8k !== undefined && at32k !== undefined && at8k.weights > 0);
    assert.ok(at32k.kv > 3.5 * at8k.kv && at32k.kv <= 4 * at8k.kv);
    assert.equal(before.chatTemplate, false);
    const { problem, speed } = await client.measure(id);
    assert.equal(problem, '');
    assert.ok(speed !== null && speed.prefill > 1 && speed.decode > 1 && speed.threads >= 1);
    assert.deepEqual((await client.inspect(id))?.speed, speed);
    assert.ok(client.progress.some(({ phase }) => phase === 'measuring'));
    // Nothing of the test stays in memory, and completions come from the same model as before.
    assert.equal((await client.lsp.status()).state, 'asleep');
  });

  it('measures the built-in model and the one that is loaded, too', async () => {
    const client = await start();
    await client.lsp.ready();
    const { speed } = await client.measure('');
    assert.ok(speed !== null && speed.decode > 1);
    const report = await client.inspect('');
    assert.deepEqual([report?.speed, report?.model.kind], [speed, 'embedded']);
    assert.match(report?.sha256 ?? '', /^[0-9a-f]{64}$/);
    assert.match(report?.fillIn ?? '', /^Asked suffixFirst\./);
    assert.equal((await client.lsp.status()).state, 'ready');
  });

  it('gives a speed test up when it is cancelled', async () => {
    const client = await start();
    const { id } = await imported(client, mine());
    const source = new CancellationTokenSource();
    const measuring = client.measure(id, source.token);
    source.cancel();
    assert.deepEqual(await measuring, { problem: '', cancelled: true, speed: null });
  });

  it('completes with an imported copy, also when the file it was made of is gone', async () => {
    const client = await start();
    const path = mine();
    const model = await imported(client, path);
    rmSync(path);
    await client.lsp.configure({ modelPath: model.path });
    const status = await client.lsp.until(
      'the copy is loaded',
      (now) => now.state === 'ready' && !now.embedded,
    );
    assert.equal(status.problem, '');
    const { models } = await client.list();
    assert.deepEqual(
      models.map(({ kind, roles }) => [kind, ...roles]),
      [['embedded'], ['copy', 'completion']],
    );
  });

  it('keeps the chat role, for models that are there', async () => {
    const client = await start();
    const { id } = await imported(client, mine());
    assert.deepEqual(await client.setChat(id), { problem: '' });
    assert.match((await client.setChat('0123456789abcdef')).problem, /no such model/);
    const other = await start();
    assert.deepEqual(
      (await other.list()).models.map(({ roles }) => [...roles]),
      [['completion'], ['chat']],
    );
    await other.remove(id);
    assert.deepEqual(
      (await client.list()).models.map(({ roles }) => [...roles]),
      [['completion']],
    );
  });

  it('removes a model in use with all that belongs to it, and goes on with the built-in one', async () => {
    const client = await start({ settings: { ...settings, kvDiskMB: 10 } });
    const model = await imported(client, mine());
    const keep = join(storage, 'kv', `${'0'.repeat(32)}.kvc`);
    await client.lsp.configure({ modelPath: model.path, kvDiskMB: 10 });
    await client.lsp.until('the copy is loaded', (now) => now.state === 'ready' && !now.embedded);
    const entry = JSON.parse(readFileSync(join(client.folder, `${model.id}.json`), 'utf8')) as {
      fingerprint: string;
    };
    const calibration = join(storage, 'kv', `${entry.fingerprint}.kvc`);
    const finding = join(storage, 'strategy', `${entry.fingerprint}.json`);
    const page = savedPage(entry.fingerprint, 'a');
    const others = savedPage('0'.repeat(32), 'b');
    for (const path of [keep, calibration, finding]) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, 'x');
    }
    const { problem, bytes, wasInUse } = await client.remove(model.id);
    assert.deepEqual([problem, wasInUse], ['', true]);
    assert.equal(bytes, model.bytes + 5000);
    assert.deepEqual([calibration, finding, page, keep, others].map(existsSync), [
      false,
      false,
      false,
      true,
      true,
    ]);
    const status = await client.lsp.status();
    assert.deepEqual([status.state, status.embedded, status.problem], ['ready', true, '']);
    assert.deepEqual(client.names(), []);
    await client.lsp.open(uri, 'const a = 1;\nconst b = 1;\nconst ');
    await client.lsp.complete(uri, { line: 2, character: 6 });
  });

  it('deletes the context that the engine has really saved for a removed model, and not that of others', async () => {
    const client = await start({ settings: { ...settings, kvDiskMB: 50 } });
    const { id, path } = await imported(client, mine());
    const { fingerprint } = JSON.parse(readFileSync(join(client.folder, `${id}.json`), 'utf8')) as {
      fingerprint: string;
    };
    const pages = (): { own: string[]; others: string[] } => {
      const { root: kept } = new KvPageFolders(storage);
      const all = existsSync(kept) ? readdirSync(kept, { recursive: true, encoding: 'utf8' }) : [];
      const paths = all.filter((name) => name.endsWith('.nkv')).map((name) => join(kept, name));
      const own: string[] = [];
      const others: string[] = [];
      for (const name of paths) {
        try {
          const head = readFileSync(name).toString('latin1', 0, 1024);
          (head.includes(`model ${fingerprint};`) ? own : others).push(name);
        } catch {
          // it was given up for others meanwhile
        }
      }
      return { own, others };
    };
    const text = Array.from(
      { length: 120 },
      (_, i) => `const value${String(i)} = compute(${String(i * 7919)});\n`,
    ).join('');
    const saves = async (modelPath: string, whose: 'own' | 'others'): Promise<void> => {
      await client.lsp.configure({ modelPath, kvDiskMB: 50 });
      await client.lsp.until(
        `${modelPath} is loaded`,
        ({ state, embedded }) => state === 'ready' && embedded === (modelPath === ''),
      );
      await client.lsp.open(uri, text);
      // What is read while the user rests is saved.
      await client.lsp.complete(uri, { line: 120, character: 0 });
      await client.lsp.cursor(uri, { line: 119, character: 0 });
      for (const end = Date.now() + 20_000; pages()[whose].length === 0;) {
        assert.ok(Date.now() < end, `pages of ${whose}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await client.lsp.close(uri);
    };
    await client.lsp.ready();
    await saves('', 'others');
    await saves(path, 'own');
    const before = pages();
    assert.ok(before.own.length > 0 && before.others.length > 0);
    assert.equal((await client.remove(id)).problem, '');
    const left = pages();
    assert.deepEqual(left.own, []);
    assert.deepEqual(
      before.others.filter((name) => !left.others.includes(name)),
      [],
    );
    const told = await client.lsp.connection.sendRequest<SavedContext>(SavedContextRequest.method);
    assert.ok(told.files >= before.others.length, `${String(told.files)} files are told of`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.deepEqual(pages().own, [], 'what was being saved when it was removed');
  });

  /** A page as the engine's header says whose it is; the rest of it does not matter here. */
  function savedPage(fingerprint: string, digit: string): string {
    const page = Buffer.alloc(5000);
    page.write('NIWAKIKV', 0);
    page.write(`numerics 1; model ${fingerprint}; kernels integer`, 648);
    const name = `${digit.repeat(32)}-00000001-${'0'.repeat(16)}.nkv`;
    const path = join(new KvPageFolders(storage).folderOf('file:///w'), name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, page);
    return path;
  }

  it('says clearly that a noted file was moved or changed, and completes with the built-in model', async () => {
    const client = await start();
    const path = mine();
    const model = await imported(client, path, 'reference');
    await client.lsp.configure({ modelPath: path });
    await client.lsp.until('it is loaded', (now) => now.state === 'ready' && !now.embedded);
    renameSync(path, `${path}.moved`);
    assert.match((await client.list()).models[1]?.problem ?? '', /moved, renamed or deleted/);
    const report = await client.inspect(model.id);
    assert.ok(report?.refused.includes('mine.gguf') && report.sha256 !== '');
    // As long as before, and no longer what was imported.
    copyWithMetadata(nano, path, { 'test.comment': 'MINE.gguf' });
    await client.lsp.connection.sendRequest('niwaki/restartEngine');
    const { problem, embedded, state } = await client.lsp.status();
    assert.deepEqual([state, embedded], ['ready', true]);
    assert.match(
      problem,
      /not the one that was imported: its contents have changed .* built-in model is used instead/,
    );
    // Imported anew, it may be used.
    const again = await imported(client, path, 'reference');
    assert.notEqual(again.id, model.id);
    assert.deepEqual(
      (await client.list()).models.map(({ id }) => id),
      ['', again.id],
    );
    await client.lsp.connection.sendRequest('niwaki/restartEngine');
    assert.equal((await client.lsp.status()).problem, '');
  });

  it('refuses half a file, another architecture and what is no model, with the reason, and keeps nothing', async () => {
    const client = await start();
    const half = mine('half.gguf');
    truncateSync(half, 1_000_000);
    const other = join(folder, 'other.gguf');
    const metadata = { 'general.architecture': { string: 'qwen35' } };
    writeGguf(other, { shape: shapes.tiny, metadata });
    const noise = join(folder, 'noise.gguf');
    writeFileSync(noise, 'not a model at all, but text');
    const reasons: readonly (readonly [string, RegExp])[] = [
      [half, /half\.gguf.*(cut off|truncated|ends|incomplete)/i],
      [other, /qwen35/],
      [noise, /noise\.gguf.*GGUF/],
      [join(folder, 'none.gguf'), /There is no file/],
      [folder, /is no file/],
    ];
    for (const [path, reason] of reasons) {
      assert.match((await client.check(path)).problem, reason);
      for (const kind of ['copy', 'reference'] as const) {
        const { problem, model } = await client.import(path, kind);
        assert.match(problem, reason);
        assert.equal(model, null);
      }
    }
    assert.deepEqual(client.names(), []);
  });

  it('refuses a file with the hash of another than it claims to be', async () => {
    // An extension whose catalogue knows one more model.
    const extensionPath = join(folder, 'extension');
    mkdirSync(join(extensionPath, 'models'), { recursive: true });
    symlinkSync(join(root, 'dist'), join(extensionPath, 'dist'));
    for (const name of ['nano.gguf', 'nano.kvc', 'calibration.txt']) {
      cpSync(join(root, 'models', name), join(extensionPath, 'models', name));
    }
    const catalogue = JSON.parse(readFileSync(join(root, 'models', 'catalogue.json'), 'utf8')) as {
      models: { id: string; file: object }[];
    };
    const [first] = catalogue.models;
    assert.ok(first !== undefined);
    const real = mine('Known-1B.gguf', 'real');
    const bytes = readFileSync(real).length;
    const file = { name: 'Known-1B.gguf', bytes, exact: true, sha256: 'ab'.repeat(32) };
    catalogue.models.push({ ...first, id: 'known', file });
    writeFileSync(join(extensionPath, 'models', 'catalogue.json'), JSON.stringify(catalogue));
    const client = await start({ extensionPath });
    const { problem } = await client.import(real);
    assert.match(
      problem,
      /not the file that it claims to be: the SHA-256 of Known-1B\.gguf is (ab){32}, this file's is/,
    );
    appendFileSync(real, Buffer.alloc(32));
    assert.match((await client.check(real)).problem, /Known-1B\.gguf has \d+ bytes, this file \d+/);
    assert.deepEqual(client.names(), []);
  });

  it('serves two windows that import at the same time', async () => {
    const [one, two] = [await start(), await start()];
    const [a, b, c] = [mine('a.gguf'), mine('b.gguf'), mine('c.gguf')];
    const results = await Promise.all([
      ...[a, b].map((path) => one.import(path)),
      ...[b, c, a].map((path) => two.import(path)),
    ]);
    assert.deepEqual(
      results.map(({ problem }) => problem),
      ['', '', '', '', ''],
    );
    for (const { models } of [await one.list(), await two.list()]) {
      assert.equal(models.length, 4);
      assert.ok(models.every(({ problem }) => problem === ''));
    }
    assert.equal(one.names().length, 6);
    assert.deepEqual(
      one.names().filter((name) => name.endsWith('.part')),
      [],
    );
  });

  it('answers senseless requests with a reason', async () => {
    const client = await start();
    const send = <T>(method: string, params: unknown): Promise<T> =>
      client.lsp.connection.sendRequest(method, params);
    const problems = await Promise.all([
      send<{ problem: string }>('niwaki/importModel', { path: nano }),
      send<{ problem: string }>('niwaki/importModel', { path: 3, kind: 'copy' }),
      send<{ problem: string }>('niwaki/checkModel', {}),
      send<{ problem: string }>('niwaki/removeModel', { id: '../../etc' }),
      send<{ problem: string }>('niwaki/measureModel', { id: 'x' }),
    ]);
    assert.ok(problems.every(({ problem }) => problem !== ''));
    assert.equal(await send('niwaki/inspectModel', { id: 'x' }), null);
  });
});
