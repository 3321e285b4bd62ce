import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { collect, diffSections, shownDiff } from '#server/attachments/collect';
import { fitAttachments, shareOut, shownPiece } from '#server/attachments/fit';
import { ChosenFiles } from '#server/workspace/chosenFiles';

const count = (text: string): Promise<number> => Promise.resolve(Math.ceil(text.length / 4));

describe('attachments', () => {
  let root: string;
  let outside: string;
  let files: ChosenFiles;
  const uri = (path: string): string => pathToFileURL(join(root, path)).href;
  const write = (path: string, text: string): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const open: { uri: string; getText: () => string }[] = [];

  before(() => {
    root = mkdtempSync(join(tmpdir(), 'niwaki-chosen-'));
    outside = mkdtempSync(join(tmpdir(), 'niwaki-outside-'));
    write('src/a.ts', 'one\ntwo\nthree\n');
    write('src/b c.ts', 'disk\n');
    write('src/deep/d.py', 'x = 1\n');
    write('src/image.bin', 'a\0b');
    write('.env', 'TOKEN=1');
    write('build/out.js', 'made');
    write('.gitignore', 'build/\n');
    write('.niwakiignore', 'private/\n');
    write('private/plan.md', 'secret plan');
    writeFileSync(join(outside, 'other.ts'), 'not yours');
    symlinkSync(join(outside, 'other.ts'), join(root, 'src/link.ts'));
    symlinkSync(outside, join(root, 'src/linked'));
    files = new ChosenFiles(() => open);
    files.configure({ exclude: [], folders: [pathToFileURL(root).href] });
    open.push({ uri: uri('src/b c.ts'), getText: () => 'in the editor\n' });
  });
  after(() => {
    rmSync(root, { recursive: true, force: true });
    rmSync(outside, { recursive: true, force: true });
  });

  it('reads a file from the disk, or as the editor has it', async () => {
    const disk = await collect(files, { kind: 'file', uri: uri('src/a.ts') });
    assert.equal(disk.label, 'src/a.ts');
    assert.deepEqual(disk.pieces, [
      { title: 'File src/a.ts', file: '', language: 'ts', text: 'one\ntwo\nthree\n' },
    ]);
    const edited = await collect(files, { kind: 'file', uri: uri('src/b c.ts') });
    assert.equal(edited.pieces[0]?.text, 'in the editor\n');
  });

  it('reads what only git ignores when it is named, and nothing that holds secrets', async () => {
    assert.equal((await collect(files, { kind: 'file', uri: uri('build/out.js') })).pieces[0]?.text, 'made');
    for (const path of [
      '.env',
      'private/plan.md',
      'src/image.bin',
      'src/link.ts',
      'src/nowhere.ts',
      '../x.ts',
    ]) {
      const refused = await collect(files, { kind: 'file', uri: uri(path) });
      assert.deepEqual(refused.pieces, [], path);
      assert.notEqual(refused.reason, '', path);
    }
    const elsewhere = await collect(files, {
      kind: 'file',
      uri: pathToFileURL(join(outside, 'other.ts')).href,
    });
    assert.match(elsewhere.reason, /outside the workspace/);
  });

  it('takes the lines of a selection', async () => {
    const selection = {
      kind: 'selection',
      uri: uri('src/a.ts'),
      name: '',
      startLine: 1,
      endLine: 3,
    } as const;
    const found = await collect(files, selection);
    assert.equal(found.label, 'src/a.ts:2-3');
    assert.equal(found.pieces[0]?.text, 'two\nthree');
    const gone = await collect(files, { ...selection, startLine: 90, endLine: 99 });
    assert.match(gone.reason, /no such lines/);
    const symbol = await collect(files, { ...selection, kind: 'symbol', name: 'f', endLine: 2 });
    assert.equal(symbol.label, 'f (src/a.ts:2)');
  });

  it('lists a folder without what is ignored, and follows no link', async () => {
    const whole = await collect(files, { kind: 'folder', uri: pathToFileURL(root).href });
    assert.equal(
      whole.pieces[0]?.text,
      '.gitignore\n.niwakiignore\nsrc/a.ts\nsrc/b c.ts\nsrc/image.bin\nsrc/deep/d.py',
    );
    const src = await collect(files, { kind: 'folder', uri: uri('src') });
    assert.deepEqual(src.pieces.map(({ file, text }) => [file, text]).slice(1), [
      ['a.ts', 'one\ntwo\nthree\n'],
      ['b c.ts', 'in the editor\n'],
      ['deep/d.py', 'x = 1\n'],
    ]);
    const linked = await collect(files, { kind: 'folder', uri: uri('src/linked') });
    assert.deepEqual(linked.pieces, []);
    assert.match(
      (await collect(files, { kind: 'folder', uri: pathToFileURL(outside).href })).reason,
      /no folder/,
    );
  });

  it('shows no part of a diff that belongs to a hidden file', async () => {
    const section = (path: string, line: string): string =>
      `diff --git a/${path} b/${path}\nindex 1..2 100644\n--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-old\n+${line}\n`;
    const renamed =
      'diff --git a/src/a.ts b/.env.local\nsimilarity index 100%\nrename from src/a.ts\nrename to .env.local\n';
    const deleted =
      'diff --git a/.env b/.env\ndeleted file mode 100644\n--- a/.env\n+++ /dev/null\n@@ -1 +0,0 @@\n-TOKEN=1\n';
    const diff = [
      section('src/a.ts', 'new'),
      section('.env', 'TOKEN=2'),
      section('private/plan.md', 'x'),
      renamed,
      deleted,
    ].join('');
    assert.equal(
      diffSections(diff)
        .map(({ text }) => text)
        .join(''),
      diff,
    );
    const { text, hidden } = await shownDiff(files, diff, pathToFileURL(root).href);
    assert.equal(text, section('src/a.ts', 'new'));
    assert.deepEqual(hidden, ['.env', 'private/plan.md', '.env.local', '.env']);
    const attached = await collect(files, { kind: 'changes', uri: pathToFileURL(root).href, text: diff });
    assert.ok(!JSON.stringify(attached.pieces).includes('TOKEN'));
    assert.match(attached.reason, /4 files are kept from models/);
  });

  it('shows no problem of a hidden file, and no changes of one where no folder is named', async () => {
    const text =
      'src/a.ts:1:2 error ts(1): a\n.env:1:1 error: TOKEN=1\nprivate/plan.md:3:1 warning: the plan\n… and 3 more';
    const problems = await collect(files, { kind: 'problems', uri: '', text });
    assert.equal(problems.pieces[0]?.text, 'src/a.ts:1:2 error ts(1): a\n… and 3 more');
    assert.match(problems.reason, /2 files are kept/);
    const diff =
      'diff --git a/private/plan.md b/private/plan.md\n--- a/private/plan.md\n+++ b/private/plan.md\n@@ -1 +1 @@\n-a\n+b\n';
    assert.deepEqual((await collect(files, { kind: 'changes', uri: '', text: diff })).pieces, []);
  });

  it('goes by the rules of a repository that the workspace lies in', async () => {
    const repository = mkdtempSync(join(tmpdir(), 'niwaki-around-'));
    mkdirSync(join(repository, 'sub'));
    writeFileSync(join(repository, '.niwakiignore'), 'plans/\n');
    const inside = new ChosenFiles(() => []);
    inside.configure({ exclude: [], folders: [pathToFileURL(join(repository, 'sub')).href] });
    const part = (path: string): string =>
      `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-a\n+b\n`;
    const diff = part('other/a.ts') + part('plans/b.md') + part('other/.env') + part('sub/c.ts');
    const { text, hidden } = await shownDiff(inside, diff, pathToFileURL(repository).href);
    assert.deepEqual(hidden, ['plans/b.md', 'other/.env']);
    assert.equal(text, part('other/a.ts') + part('sub/c.ts'));
    rmSync(repository, { recursive: true });
  });

  it('shows no secret that is open under the name of a link', async () => {
    symlinkSync(join(root, '.env'), join(root, 'notes.txt'));
    open.push({ uri: uri('notes.txt'), getText: () => 'TOKEN=1' });
    const linked = await collect(files, { kind: 'file', uri: uri('notes.txt') });
    assert.deepEqual(linked.pieces, []);
    rmSync(join(root, 'notes.txt'));
  });

  it('finds the file of a section whose lines look like headers', () => {
    const tricky =
      'diff --git a/.env b/.env\nindex 1..2 100644\n--- a/.env\n+++ b/.env\n@@ -1,2 +1,2 @@\n--- a/innocent.ts\n+++ b/innocent.ts\n';
    assert.deepEqual(
      diffSections(tricky).map(({ path }) => path),
      ['.env'],
    );
    const quoted =
      'diff --git "a/\\303\\244.ts" "b/\\303\\244.ts"\n--- "a/\\303\\244.ts"\n+++ "b/\\303\\244.ts"\n@@ -1 +1 @@\n-a\n+b\n';
    assert.deepEqual(
      diffSections(quoted).map(({ path }) => path),
      ['ä.ts'],
    );
    const binary = 'diff --git a/my key.pem b/my key.pem\nindex 1..2 100644\nBinary files differ\n';
    assert.deepEqual(
      diffSections(binary).map(({ path }) => path),
      ['my key.pem'],
    );
    const away =
      'diff --git a/.env b/a.ts\nsimilarity index 60%\nrename from .env\nrename to a.ts\n--- a/.env\n+++ b/a.ts\n@@ -1 +1 @@\n-TOKEN=1\n+x\n';
    assert.deepEqual(diffSections(away)[0]?.names, ['a.ts', '.env']);
  });

  it('puts longer fences around what has fences in it', () => {
    const text = shownPiece({ title: 'File a.md', file: '', language: 'markdown', text: '````\nx\n````\n' });
    assert.equal(text, 'File a.md:\n`````markdown\n````\nx\n````\n`````\n');
  });

  it('shows whole what fits, whole lines of what does not, and says how much', async () => {
    const long = Array.from({ length: 500 }, (_, i) => `line number ${String(i)}`).join('\n');
    write('src/long.ts', long);
    const all = await Promise.all(
      ['src/a.ts', 'src/long.ts'].map((path) => collect(files, { kind: 'file', uri: uri(path) })),
    );
    const [small, cut] = await fitAttachments(all, 600, count);
    assert.equal(small?.shown, 'whole');
    assert.equal(cut?.shown, 'part');
    assert.ok(cut.tokens <= 600 - small.tokens && cut.tokens > 400, String(cut.tokens));
    assert.equal(await count(cut.content), cut.tokens);
    assert.match(cut.reason, /does not fit/);
    const [none] = await fitAttachments(all.slice(1), 20, count);
    assert.deepEqual([none?.shown, none?.content, none?.tokens], ['none', '', 0]);
  });

  it('shows the files of a folder that fit', async () => {
    const folder = await collect(files, { kind: 'folder', uri: uri('src') });
    const [fitted] = await fitAttachments([folder], 120, count);
    assert.equal(fitted?.shown, 'part');
    assert.ok(!fitted.files.includes('long.ts'));
    assert.ok(fitted.files.includes('a.ts'));
  });

  it('shares room so that nobody is cut while another has more', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const needs = Array.from({ length: 1 + (seed % 6) }, (_, i) => (seed * (i + 3) * 7919) % 1000);
      const room = (seed * 104729) % 2500;
      const shares = shareOut(needs, room);
      const sum = shares.reduce((a, b) => a + b, 0);
      assert.ok(sum <= room);
      needs.forEach((need, i) => {
        const own = shares[i] as number;
        assert.ok(own <= need);
        if (own < need) {
          assert.ok(
            shares.every((other) => other <= own + needs.length),
            `${String(needs)} ${String(shares)}`,
          );
        }
      });
      if (needs.reduce((a, b) => a + b, 0) <= room) {
        assert.deepEqual(shares, needs);
      }
    }
  });

  const shown = async (diff: string): Promise<readonly [string, readonly string[]]> => {
    const { text, hidden } = await shownDiff(files, diff, pathToFileURL(root).href);
    return [text, hidden];
  };
  const section = (name: string, line: string): string =>
    `diff --git a/${name} b/${name}\n--- a/${name}\n+++ b/${name}\n@@ -1 +1 @@\n+${line}\n`;
  const conflict = (name: string, line: string): string =>
    `diff --cc ${name}\nindex 1,2..0\n--- a/${name}\n+++ b/${name}\n@@@ -1,1 -1,1 +1,1 @@@\n++${line}\n`;

  it('hides files in conflict, whatever stands before them', async () => {
    const kept = conflict('src/a.ts', 'ours') + section('src/b c.ts', 'x');
    const diff = conflict('src/a.ts', 'ours') + conflict('.env', 'TOKEN') + section('src/b c.ts', 'x');
    assert.deepEqual(await shown(diff), [kept, ['.env']]);
    assert.deepEqual(await shown('diff --cc .env\nindex 1,2..0\nBinary files differ\n'), ['', ['.env']]);
  });

  it('hides secrets in diffs with colours, without prefixes, and in those that nobody can read', async () => {
    const coloured = section('.env', 'TOKEN').replaceAll(/^.*$/gm, (line) => `\x1b[1m${line}\x1b[m`);
    assert.deepEqual((await shown(coloured))[1], ['.env']);
    const bare =
      'diff --git private/b.txt private/b.txt\n--- private/b.txt\n+++ private/b.txt\n@@ -1 +1 @@\n+x\n';
    assert.deepEqual(await shown(bare), ['', ['private/b.txt']]);
    write('a/.niwakiignore', 'keys.txt\n');
    const inA = 'diff --git a/keys.txt a/keys.txt\n--- a/keys.txt\n+++ a/keys.txt\n@@ -1 +1 @@\n+x\n';
    assert.deepEqual(await shown(inA), ['', ['a/keys.txt']]);
    assert.equal((await shown('.env --- changed\nTOKEN=1\n'))[0], '', 'an external program wrote it');
    assert.equal((await shown(`* Unmerged path .env\n${section('src/a.ts', 'x')}`))[1].length, 0);
  });

  it('says of how many files of a folder only the names are shown', async () => {
    for (let i = 0; i < 210; i += 1) {
      write(`many/f${String(i)}.ts`, 'x\n');
    }
    write('many/image.bin', 'a\0b');
    const { reason } = await collect(files, { kind: 'folder', uri: uri('many') });
    assert.match(reason, /^Of 11 files only the names are shown/);
  });
});
