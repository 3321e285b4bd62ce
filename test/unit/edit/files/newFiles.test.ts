import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AttachedToFiles, Attachment, PlannedFile } from '#protocol';
import { Answerer } from '#server/chat/answerer';
import { NewFiles } from '#server/edit/files/index';
import type { ScriptedOptions } from '#server/engine/scripted';
import { ChosenFiles } from '#server/workspace/chosenFiles';
import { testChats, type TestChats } from '../../chat/chatSupport';

const head = '// Copyright 2025 Somebody\n';

describe('edit/files: new files', () => {
  let root: string;
  let t: TestChats;
  const present: Record<string, string> = {
    'src/user-list.ts': `${head}\nexport const list: string[] = ['a list that is long enough to show'];\n`,
    'src/user-item.ts': `${head}\nexport const item = {\n\tname: 'an item',\n};\n`,
    'src/app-shell.ts': `${head}\nexport const shell = 3;\n`,
    'test/a.spec.ts': `${head}\nit('a');\n`,
    'test/b.spec.ts': `${head}\nit('b');\n`,
    'notes.txt': 'notes\r\nof somebody\r\n',
    '.env': 'SECRET=1\n',
    'node_modules/x/index.js': 'x\n',
    '.gitignore': 'node_modules\n',
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'niwaki-new-files-'));
    for (const [path, text] of Object.entries(present)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  });
  afterEach(() => {
    t.end();
    rmSync(root, { recursive: true, force: true });
  });

  function newFiles(options: ScriptedOptions, roots = [root], isQuiet = false): NewFiles {
    t = testChats({ contextLength: 8192, ...options });
    const { engine, model } = t;
    const talker = new Answerer({ engine, model });
    const folders = roots.map((path) => pathToFileURL(path).href);
    const files = new ChosenFiles(() => []);
    files.configure({ exclude: [], folders });
    return new NewFiles({
      engine,
      model,
      files,
      folders: () => folders,
      formatOf: (loaded) => talker.formatOf(loaded),
      quiet: () => Promise.resolve(isQuiet),
    });
  }
  const signal = (): AbortSignal => new AbortController().signal;
  const lastPrompt = (): string => t.engine.runs.at(-1)?.prompt ?? '';
  const plan = (
    files: NewFiles,
    request: string,
    folder = '',
    attachments: readonly Attachment[] = [],
  ): ReturnType<NewFiles['plan']> => files.plan({ request, folder, attachments }, signal());
  const write = (
    files: NewFiles,
    all: readonly PlannedFile[],
    index = 0,
    attachments: readonly Attachment[] = [],
  ): ReturnType<NewFiles['write']> =>
    files.write(
      { request: 'a store of users', attachments, plan: all, index, written: [] },
      { signal: signal(), onPhase: () => undefined, onText: () => undefined },
    );

  it('plans files, named as those beside them are', async () => {
    const files = newFiles({
      answer: () => '- src/userStore.js: keeps users\n- test/userStore.test.ts: its tests',
    });
    const result = await plan(files, 'a store of users');
    assert.deepEqual(result, {
      files: [
        { path: 'src/user-store.ts', purpose: 'keeps users' },
        { path: 'test/userStore.spec.ts', purpose: 'its tests' },
      ],
      ...{ attached: [], problem: '', cancelled: false },
    });
    assert.match(lastPrompt(), /a store of users/);
    assert.match(lastPrompt(), /src\/user-list\.ts/);
    assert.match(lastPrompt(), /tests end with \.spec/);
    assert.doesNotMatch(lastPrompt(), /node_modules|\.env|SECRET/);
  });

  it('spares the machine in quiet mode, and only then', async () => {
    for (const isQuiet of [false, true]) {
      const options = { answer: () => '- src/a.ts: x', info: { threads: 8 } };
      await plan(newFiles(options, [root], isQuiet), 'x');
      assert.equal(t.engine.runs.at(-1)?.request.threads, isQuiet ? 4 : undefined);
      t.end();
    }
  });

  it('shows the model what is attached, to the plan and to each file, and says what it does not show', async () => {
    const attached = (path: string): Attachment => ({
      kind: 'file',
      uri: pathToFileURL(join(root, path)).href,
    });
    writeFileSync(
      join(root, 'long.md'),
      'A line of a document that is too long to be shown whole.\n'.repeat(900),
    );
    const attachments = ['notes.txt', '.env', 'long.md'].map(attached);
    const check = (result: { readonly attached: readonly AttachedToFiles[] }): void => {
      const [notes, hidden, long] = result.attached;
      assert.deepEqual(notes, { label: 'notes.txt', shown: 'whole', reason: '' });
      assert.deepEqual([hidden?.label, hidden?.shown], ['.env', 'none']);
      assert.match(hidden?.reason ?? '', /secrets/);
      assert.deepEqual([long?.label, long?.shown], ['long.md', 'part']);
      assert.match(long?.reason ?? '', /of .* tokens are shown/);
      assert.match(lastPrompt(), /File notes\.txt:\n```\nnotes\r?\nof somebody\r?\n```/);
      assert.match(lastPrompt(), /File long\.md, its first \d+ lines:/);
      assert.doesNotMatch(lastPrompt(), /SECRET/);
    };
    check(await plan(newFiles({ answer: () => '- src/user-store.ts: keeps users' }), 'x', '', attachments));
    t.end();
    const files = newFiles({ answer: () => '```ts\nexport {};\n```' });
    const written = await write(files, [{ path: 'src/user-store.ts', purpose: '' }], 0, attachments);
    assert.equal(written.problem, '');
    check(written);
  });

  it('writes each file from what the plan was made from', async () => {
    const path = join(root, 'notes.txt');
    const attachments: Attachment[] = [{ kind: 'file', uri: pathToFileURL(path).href }];
    const files = newFiles({
      answer: (prompt) =>
        prompt.text.includes('List the files') ? '- src/a.ts: x' : '```ts\nexport {};\n```',
    });
    await plan(files, 'x', '', attachments);
    writeFileSync(path, 'other notes\n');
    await write(files, [{ path: 'src/a.ts', purpose: '' }], 0, attachments);
    assert.match(lastPrompt(), /of somebody/);
    assert.doesNotMatch(lastPrompt(), /other notes/);
    await plan(files, 'x', '', attachments);
    assert.match(lastPrompt(), /other notes/);
  });

  it('calls what is attached by its workspace folder where there are several', async () => {
    const other = join(root, 'src');
    const files = newFiles({ answer: () => '- src/new.ts: x' }, [join(root, 'test'), other]);
    const uri = pathToFileURL(other).href;
    const { attached } = await plan(files, 'x', '', [{ kind: 'folder', uri }]);
    assert.deepEqual(
      attached.map(({ label }) => label),
      ['src/'],
    );
    assert.match(lastPrompt(), /File src\/user-item\.ts:/);
  });

  it('would rather answer than show all that is attached', async () => {
    const uri = pathToFileURL(join(root, 'long.md')).href;
    writeFileSync(
      join(root, 'long.md'),
      'A line of a document that is too long to be shown whole.\n'.repeat(900),
    );
    const files = newFiles({ contextLength: 1600, answer: () => '```ts\nexport {};\n```' });
    const written = await write(files, [{ path: 'src/a.ts', purpose: '' }], 0, [{ kind: 'file', uri }]);
    assert.deepEqual([written.problem, written.text !== ''], ['', true]);
    assert.match(written.attached[0]?.reason ?? '', /tokens are shown/);
  });

  it('plans in the folder that was named, and shows its names', async () => {
    const files = newFiles({ answer: () => '- src/user-store.ts: keeps users' });
    const result = await plan(files, 'a store', 'src');
    assert.deepEqual(result.files, [{ path: 'src/user-store.ts', purpose: 'keeps users' }]);
    assert.match(lastPrompt(), /Files in src:\napp-shell\.ts\nuser-item\.ts/);
    assert.match(lastPrompt(), /named in kebab-case/);
  });

  it('corrects what it can, and says what it has left out', async () => {
    const files = newFiles({
      answer: () =>
        '- SRC/user-store.ts: in the wrong case\n- .git/hooks: evil\n- nul.ts: a device\n- src/user-store.ts: twice',
    });
    const { files: planned, problem } = await plan(files, 'x');
    assert.deepEqual(planned, [{ path: 'src/user-store.ts', purpose: 'in the wrong case' }]);
    assert.match(problem, /^Left out of the plan: \.git\/hooks: .*nul\.ts: .*device/);
  });

  it('refuses a folder outside, and a request that says nothing', async () => {
    const files = newFiles({ answer: () => '- a.ts: x' });
    assert.match((await plan(files, 'x', '../elsewhere')).problem, /another folder/);
    assert.match((await plan(files, '  ')).problem, /Say what/);
    assert.match((await plan(files, 'x', '.git')).problem, /run by itself/);
    assert.equal(t.engine.runs.length, 0, 'nobody was asked');
    t.end();
    assert.match((await plan(newFiles({}, []), 'x')).problem, /No folder/);
  });

  it('begins paths with a folder’s name where there are several', async () => {
    const other = join(root, 'src');
    const files = newFiles({ answer: () => '- src/new.ts: x' }, [root, other]);
    assert.deepEqual((await plan(files, 'x')).files, [{ path: 'src/new.ts', purpose: 'x' }]);
    const [checked] = await files.check(['src/new.ts']);
    assert.equal(checked?.uri, pathToFileURL(join(other, 'new.ts')).href);
  });

  it('writes a file with the head, the indentation and the naming of its neighbours', async () => {
    const said = '```ts\nexport class Store {\n  users = [];\n}\n```';
    const files = newFiles({ answer: () => said });
    const seen: string[] = [];
    const phases: string[] = [];
    const result = await files.write(
      {
        ...{ request: 'a store of users', attachments: [] },
        plan: [
          { path: 'src/user-type.ts', purpose: 'what a user is' },
          { path: 'src/user-store.ts', purpose: 'keeps users' },
        ],
        index: 1,
        written: [{ path: 'src/user-type.ts', text: 'export interface User { name: string }\n' }],
      },
      {
        signal: signal(),
        onPhase: (phase) => phases.push(phase),
        onText: (text) => seen.push(text()),
      },
    );
    assert.deepEqual(result, {
      file: {
        path: 'src/user-store.ts',
        uri: pathToFileURL(join(root, 'src/user-store.ts')).href,
        exists: false,
        problem: '',
      },
      text: `${head}\nexport class Store {\n\tusers = [];\n}\n`,
      ...{ attached: [], problem: '', cancelled: false },
    });
    assert.deepEqual(phases, ['loading', 'waiting', 'reading', 'writing']);
    assert.ok(seen.length > 5 && seen.every((text) => text === '' || text.startsWith(head.trim())));
    assert.match(lastPrompt(), /interface User/);
    assert.match(lastPrompt(), /Write src\/user-store\.ts \(keeps users\)\./);
    assert.match(lastPrompt(), /for its style: src\/user-(?:item|list)\.ts/);
  });

  it('shows what is there where a file is written anew, and keeps its line ends', async () => {
    const files = newFiles({ answer: () => '```txt\nnotes\nof two\n```'.replace(/```/g, '`````') });
    const result = await write(files, [{ path: 'notes.txt', purpose: '' }]);
    assert.equal(result.file.exists, true);
    assert.equal(result.text, 'notes\r\nof two\r\n');
    assert.match(lastPrompt(), /is there already[^]*of somebody/);
    assert.equal(readFileSync(join(root, 'notes.txt'), 'utf8'), present['notes.txt'], 'nothing is written');
  });

  it('keeps the licence of a file that is there', async () => {
    const theirs = '// Copyright 2001 Somebody Else\n// SPDX-License-Identifier: MIT\n';
    writeFileSync(join(root, 'src/user-theirs.ts'), `${theirs}\nexport const theirs = 1;\n`);
    const files = newFiles({ answer: () => '```ts\nexport const theirs = 2;\n```' });
    const result = await write(files, [{ path: 'src/user-theirs.ts', purpose: '' }]);
    assert.equal(result.text, `${theirs}\nexport const theirs = 2;\n`);
  });

  it('says so when a text was cut', async () => {
    const files = newFiles({
      contextLength: 1600,
      answer: () => `\`\`\`ts\n${'const a = 1;\n'.repeat(2_000)}\`\`\``,
    });
    const result = await write(files, [{ path: 'src/user-store.ts', purpose: '' }]);
    assert.match(result.problem, /not whole/);
    assert.ok(result.text.endsWith('\n') && result.text.includes('const a = 1;'));
  });

  it('says so when nothing fits, and when the model fails', async () => {
    const small = newFiles({ contextLength: 256, answer: () => '```ts\na\n```' });
    assert.match((await write(small, [{ path: 'src/a.ts', purpose: '' }])).problem, /does not fit/);
    t.end();
    const failing = newFiles({
      answer: () => {
        throw new Error('The engine has a cold.');
      },
    });
    assert.match((await write(failing, [{ path: 'src/a.ts', purpose: '' }])).problem, /a cold/);
    assert.match((await plan(failing, 'x')).problem, /a cold/);
  });

  it('writes no text for what is refused', async () => {
    symlinkSync(tmpdir(), join(root, 'out'));
    writeFileSync(join(root, 'bytes.bin'), Buffer.from([0, 1, 2]));
    const files = newFiles({ answer: () => '```\nx\n```' });
    for (const [path, why] of [
      ['../a.ts', /another folder/],
      ['out/a.ts', /out of the workspace/],
      ['.env', /kept from models/],
      ['bytes.bin', /no text/],
    ] as const) {
      const result = await write(files, [{ path, purpose: '' }]);
      assert.match(result.problem, why);
      assert.equal(result.text, '');
    }
    assert.match((await write(files, [], 0)).problem, /no such file/);
    assert.equal(t.engine.runs.length, 0);
  });

  it('ends when it is cancelled', async () => {
    const files = newFiles({
      answer: () => `\`\`\`ts\n${'const a = 1;\n'.repeat(500)}\`\`\``,
      decodeMsPerToken: 5,
    });
    const abort = new AbortController();
    const result = await files.write(
      { request: 'x', attachments: [], plan: [{ path: 'src/a.ts', purpose: '' }], index: 0, written: [] },
      {
        signal: abort.signal,
        onPhase: () => undefined,
        onText: () => {
          abort.abort();
        },
      },
    );
    assert.deepEqual([result.cancelled, result.problem, result.text], [true, '', '']);
    assert.equal(t.engine.jobsInFlight, 0);
  });
});
