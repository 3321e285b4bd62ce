import * as assert from 'node:assert/strict';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { contentsOf, type ModelEntry, type ModelLibrary } from '../../../../server/src/models';
import { isCancelled } from '../../../../server/src/engine';
import { bonsai, sha256Of, Stage } from './support';

const never = new AbortController().signal;
const text = 'contents of a model';
const id = sha256Of(text).slice(0, 16);

describe('models: the library of imported models', () => {
  let stage: Stage;
  let library: ModelLibrary;
  beforeEach(() => {
    stage = new Stage();
    library = stage.library();
  });
  afterEach(() => {
    stage.end();
  });

  async function add(path: string, kind: 'copy' | 'reference' = 'copy'): Promise<ModelEntry> {
    return (await library.import(path, { kind, signal: never })).entry;
  }
  async function problem(entry: ModelEntry): Promise<string> {
    return library.problemOf(library.pathOf(entry));
  }

  it('copies a file for us alone, with its hash, and leaves the file as it was', async () => {
    const path = stage.file('my model.gguf', text);
    const progress: string[] = [];
    const { entry, already } = await library.import(path, {
      ...{ kind: 'copy', signal: never },
      onProgress: (phase, done, total) => progress.push(`${phase} ${String(done)}/${String(total)}`),
    });
    assert.equal(already, false);
    assert.deepEqual(progress, [`copying ${String(text.length)}/${String(text.length)}`, 'finishing 0/0']);
    assert.deepEqual(
      [entry.id, entry.sha256, entry.name, entry.fileName],
      [id, sha256Of(text), 'Bonsai 8B', 'my model.gguf'],
    );
    assert.equal(readFileSync(library.pathOf(entry), 'utf8'), text);
    assert.equal(readFileSync(path, 'utf8'), text);
    if (process.platform !== 'win32') {
      assert.equal(statSync(library.pathOf(entry)).mode & 0o777, 0o600);
      assert.equal(statSync(stage.folder).mode & 0o777, 0o700);
    }
    assert.deepEqual(stage.names(), [`${id}-my model.gguf`, `${id}.json`]);
    assert.deepEqual(await stage.library().list(), [entry]);
  });

  it('notes a file where it lies', async () => {
    const path = stage.file('mine.gguf', text);
    const entry = await add(path, 'reference');
    assert.equal(library.pathOf(entry), path);
    assert.deepEqual(stage.names(), [`${id}.json`]);
  });

  it('takes the same contents in once; a copy takes the place of a reference', async () => {
    const [a, b] = [stage.file('a.gguf', text), stage.file('b.gguf', text)];
    await add(a, 'reference');
    assert.equal((await library.import(b, { kind: 'reference', signal: never })).already, true);
    assert.equal((await add(b)).kind, 'copy');
    const again = await library.import(a, { kind: 'copy', signal: never });
    assert.deepEqual([again.already, again.entry.fileName], [true, 'b.gguf']);
    assert.deepEqual(stage.names(), [`${id}-b.gguf`, `${id}.json`]);
  });

  it('leaves nothing when it is cancelled', async () => {
    const abort = new AbortController();
    const path = stage.file('big.gguf', 'x'.repeat(3_000_000));
    const seen: number[] = [];
    await assert.rejects(
      library.import(path, {
        ...{ kind: 'copy', signal: abort.signal },
        onProgress: (_, done) => {
          seen.push(done);
          assert.deepEqual(
            stage.names().map((name) => name.endsWith('.part')),
            [true],
          );
          abort.abort();
        },
      }),
      isCancelled,
    );
    assert.equal(seen.length, 1);
    assert.deepEqual(stage.names(), []);
  });

  it('leaves nothing of a file that grows while it is copied', async () => {
    const path = stage.file('growing.gguf', 'x'.repeat(3_000_000));
    const growing = library.import(path, {
      ...{ kind: 'copy', signal: never },
      onProgress: () => {
        writeFileSync(path, 'y', { flag: 'a' });
      },
    });
    await assert.rejects(growing, /written to or replaced while it was read/);
    assert.deepEqual(stage.names(), []);
  });

  it('says before it copies that there is no room', async () => {
    library = stage.library({ freeBytes: () => Promise.resolve(1_000_000) });
    await assert.rejects(add(stage.file('a.gguf', text)), /no room for a copy .* has 1 MB free/);
    assert.deepEqual(stage.names(), []);
    await add(stage.file('a.gguf', text), 'reference');
  });

  it('refuses what is not the file that it claims to be, and keeps nothing of it', async () => {
    const path = stage.file(bonsai.file.name, 'the fake'); // as long as the real one
    await assert.rejects(add(path), /not the file that it claims to be/);
    await assert.rejects(add(path, 'reference'), /not the file that it claims to be/);
    assert.deepEqual(stage.names(), []);
    const real = await add(stage.file('renamed.gguf', 'the real'));
    assert.equal((await library.judgementOf(real)).match, 'exact');
  });

  it('refuses with the reason what the engine would not load, what is no file, and parts', async () => {
    await assert.rejects(add(stage.file('b.gguf', 'broken')), /b\.gguf" cannot be used: it is broken\. Get it again\./);
    await assert.rejects(add(stage.root), /is no file/);
    await assert.rejects(add(join(stage.root, 'none.gguf')), /There is no file/);
    await assert.rejects(add('relative.gguf'), /no absolute path/);
    await assert.rejects(add(stage.file('m-00001-of-00003.gguf', text)), /one of 3 parts .* gguf-split --merge/);
    assert.deepEqual(stage.names(), []);
  });

  it('says that a noted file has gone or changed, and not that it was only touched', async () => {
    const path = stage.file('mine.gguf', text);
    const entry = await add(path, 'reference');
    assert.equal(await problem(entry), '');
    utimesSync(path, 1e9, 1e9);
    assert.equal(await problem(entry), '');
    assert.equal((await library.find(id))?.modifiedMs, 1e12); // so it is not read again
    writeFileSync(path, text.toUpperCase()); // as long
    assert.match(await problem(entry), /not the one that was imported/);
    writeFileSync(path, `${text}.`);
    assert.match(await problem(entry), /not the one that was imported/);
    renameSync(path, `${path}.old`);
    assert.match(await problem(entry), /moved, renamed or deleted/);
    assert.equal(await library.problemOf('/some/other.gguf'), '');
  });

  it('finds a moved file again when it is imported from its new place', async () => {
    const path = stage.file('mine.gguf', text);
    await add(path, 'reference');
    renameSync(path, join(stage.root, 'moved.gguf'));
    const entry = await add(join(stage.root, 'moved.gguf'), 'reference');
    assert.equal(entry.id, id);
    assert.equal(await problem(entry), '');
    assert.equal((await library.list()).length, 1);
  });

  it('puts a damaged entry aside, says so, and makes it anew from the copy', async () => {
    const entry = await add(stage.file('a.gguf', text));
    writeFileSync(join(stage.folder, `${id}.json`), '{"version":1,');
    const later = stage.library();
    const [again] = await later.list();
    assert.deepEqual({ ...again, importedAt: 0 }, { ...entry, importedAt: 0 });
    assert.match(later.notes.join(), /was damaged; it has been made again/);
    assert.deepEqual(stage.names(), [`${id}-a.gguf`, `${id}.json`, `${id}.json.damaged`]);
  });

  it('says of a damaged entry of a reference that its file is to be imported again', async () => {
    await add(stage.file('a.gguf', text), 'reference');
    writeFileSync(join(stage.folder, `${id}.json`), '');
    const later = stage.library();
    assert.deepEqual(await later.list(), []);
    assert.match(later.notes.join(), /put aside .* Import its file again/);
  });

  it('takes no entry at its word that names a copy outside the folder', async () => {
    const victim = stage.file('victim.gguf', text);
    const entry = await add(stage.file('a.gguf', text));
    for (const file of [`../${id}-victim.gguf`, victim, 'roles.json']) {
      writeFileSync(join(stage.folder, `${id}.json`), JSON.stringify({ version: 1, ...entry, file }));
      assert.equal(await library.find(id), undefined);
    }
  });

  it('takes in a copy whose server was killed before it was noted, and not a damaged one', async () => {
    const entry = await add(stage.file('a.gguf', text));
    rmSync(join(stage.folder, `${id}.json`));
    writeFileSync(join(stage.folder, `${'0'.repeat(16)}-b.gguf`), text);
    const later = stage.library();
    assert.deepEqual(
      (await later.list()).map(({ id: found, sha256 }) => [found, sha256]),
      [[id, entry.sha256]],
    );
    assert.match(later.notes.join(), /0000-b\.gguf cannot be used: .*not those that its name says/);
  });

  it('deletes a copy, forgets a reference, and with them the role', async () => {
    const copy = await add(stage.file('a.gguf', text));
    const path = stage.file('b.gguf', `${text} b`);
    const reference = await add(path, 'reference');
    await library.registry.setChatModel(copy.id);
    assert.equal(await library.remove(copy), text.length);
    assert.equal(await library.registry.chatModel(), '');
    assert.equal(await library.remove(reference), 0);
    assert.equal(readFileSync(path, 'utf8'), `${text} b`);
    assert.deepEqual(stage.names(), []);
    assert.deepEqual(await library.list(), []);
  });

  it('keeps no second copy of what two windows have imported in one moment under two names', async () => {
    const other = stage.library();
    const importTwice = (): Promise<unknown> =>
      Promise.all([
        library.import(stage.file('a.gguf', text), { kind: 'copy', signal: never }),
        other.import(stage.file('b.gguf', text), { kind: 'copy', signal: never }),
      ]);
    await importTwice();
    const [entry, ...more] = await library.list();
    assert.ok(entry !== undefined && more.length === 0);
    await library.remove(entry);
    assert.deepEqual(stage.names(), []);
    assert.deepEqual(await stage.library().list(), [], 'and it does not come back');
    // What is left over of an hour ago goes when a server starts, and what the entry names stays.
    await importTwice();
    const spare = join(stage.folder, `${id}-spare.gguf`);
    writeFileSync(spare, text);
    assert.equal((await stage.library().list()).length, 1);
    assert.ok(stage.names().includes(`${id}-spare.gguf`), 'another window may be just about to name it');
    utimesSync(spare, 1e9, 1e9);
    const [now] = await stage.library().list();
    assert.ok(!stage.names().includes(`${id}-spare.gguf`) && stage.names().includes(now?.file ?? ''));
  });

  it('writes through no link, and says so', async () => {
    const elsewhere = join(stage.root, 'elsewhere');
    mkdirSync(elsewhere);
    mkdirSync(join(stage.folder, '..'), { recursive: true });
    symlinkSync(elsewhere, stage.folder);
    await assert.rejects(add(stage.file('a.gguf', text)), /is a link to another folder/);
    await assert.rejects(add(stage.file('a.gguf', text), 'reference'), /is a link to another folder/);
    assert.deepEqual(readdirSync(elsewhere), []);
  });

  it('knows by the contents a file whose size and time were kept', async () => {
    const path = stage.file('mine.gguf', text);
    const entry = await add(path, 'reference');
    const { mtime } = statSync(path);
    const same = await contentsOf(library.registry, entry, never);
    assert.deepEqual(same, { sha256: sha256Of(text), problem: '' });
    writeFileSync(path, text.toUpperCase());
    utimesSync(path, mtime, mtime);
    const { sha256, problem: said } = await contentsOf(library.registry, entry, never);
    assert.equal(sha256, sha256Of(text.toUpperCase()));
    assert.match(said, /not the one that was imported/);
    rmSync(path);
    assert.match((await contentsOf(library.registry, entry, never)).problem, /moved, renamed or deleted/);
  });

  it('finds a changed file under a link, too', async () => {
    const path = stage.file('mine.gguf', text);
    await add(path, 'reference');
    const link = join(stage.root, 'link.gguf');
    symlinkSync(path, link);
    assert.equal(await library.problemOf(link), '');
    writeFileSync(path, `${text}.`);
    assert.match(await library.problemOf(link), /not the one that was imported/);
  });

  it('does not say that the file is missing when its copy was taken away', async () => {
    const path = stage.file('a.gguf', 'x'.repeat(3_000_000));
    const importing = library.import(path, {
      ...{ kind: 'copy', signal: never },
      onProgress: (phase) => {
        if (phase === 'finishing') {
          rmSync(stage.folder, { recursive: true, force: true });
        }
      },
    });
    await assert.rejects(importing, /was taken away while it was made/);
  });

  it('lets two windows import at the same time', async () => {
    const other = stage.library();
    const a = stage.file('a.gguf', 'a'.repeat(2_000_000));
    const b = stage.file('b.gguf', 'b'.repeat(2_000_000));
    const imports = [
      [library, a],
      [other, a],
      [other, b],
    ] as const;
    await Promise.all(imports.map(([from, path]) => from.import(path, { kind: 'copy', signal: never })));
    assert.equal((await library.list()).length, 2);
    assert.equal(stage.names().length, 4);
  });
});
