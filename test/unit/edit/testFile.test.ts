import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { applyEdits } from '#protocol';
import { testEdits, type TestEdits } from './editSupport';

describe('edit: tests of a file', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'niwaki-edit-tests-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const uriOf = (path: string): string => pathToFileURL(join(root, path)).href;
  const source = 'export function add(a: number, b: number): number {\n  return a + b;\n}\n';
  const open = (answer: string, path = 'src/add.ts', text = source): TestEdits => {
    write(path, text);
    return testEdits(
      { answer: () => answer },
      { text, uri: uriOf(path), folders: [pathToFileURL(root).href] },
    );
  };
  const range = { start: 0, end: 3 };

  it('are a new file where the project has such files, written like another one', async () => {
    write('src/sub.ts', 'export const sub = 1;\n');
    write('test/sub.test.ts', "import { sub } from '../src/sub';\nit('subtracts', () => sub);\n");
    const edits = open("import { add } from '../src/add';\nit('adds', () => add(1, 2));\n```");
    const result = await edits.ask({ task: 'tests', range, instruction: '' });
    assert.equal(result.problem, '');
    const [change] = result.changes;
    assert.ok(change);
    assert.deepEqual([change.uri, change.exists, change.version], [uriOf('test/add.test.ts'), false, null]);
    assert.equal(
      applyEdits('', change.edits),
      "import { add } from '../src/add';\nit('adds', () => add(1, 2));\n",
    );
    const prompt = edits.engine.runs[0]?.prompt ?? '';
    assert.ok(
      prompt.includes("it('subtracts'") &&
        prompt.includes('`test/add.test.ts`') &&
        prompt.includes('`../src/add`'),
    );
    assert.deepEqual(change.broken, []);
  });

  it('are added to those that are there', async () => {
    write('src/add.test.ts', "it('is there', () => 1);\n");
    const edits = open("it('adds', () => add(1, 2);\n```");
    const [change] = (await edits.ask({ task: 'tests', range, instruction: '' })).changes;
    assert.ok(change);
    assert.deepEqual([change.uri, change.exists], [uriOf('src/add.test.ts'), true]);
    assert.equal(
      applyEdits("it('is there', () => 1);\n", change.edits),
      "it('is there', () => 1);\n\nit('adds', () => add(1, 2);\n",
    );
    assert.deepEqual(
      change.broken.map(({ line }) => line),
      [2],
    );
  });

  it('bring along what they use of the tested file', async () => {
    const there = "import { it } from 'vitest';\n\nit('is there', () => 1);\n";
    write('src/add.test.ts', there);
    const edits = open("it('adds', () => add(1, 2);\n```");
    const [change] = (await edits.ask({ task: 'tests', range, instruction: '' })).changes;
    assert.ok(change);
    assert.equal(
      applyEdits(there, change.edits),
      "import { it } from 'vitest';\nimport { add } from './add';\n\nit('is there', () => 1);\n\nit('adds', () => add(1, 2);\n",
    );
    assert.deepEqual(
      change.broken.map(({ line }) => line),
      [5],
    );
  });

  it('are added at the end of a file whose lines end in several ways, as the editor will open it', async () => {
    write('src/add.test.ts', "it('is there', () => 1);\r\n\r\nit('is there, too', () => 2);\n");
    const edits = open("it('adds', () => add(1, 2));\n```");
    const [change] = (await edits.ask({ task: 'tests', range, instruction: '' })).changes;
    assert.ok(change);
    const opened = "it('is there', () => 1);\r\n\r\nit('is there, too', () => 2);\r\n";
    assert.equal(change.length, opened.length);
    assert.equal(applyEdits(opened, change.edits), `${opened}\r\nit('adds', () => add(1, 2));\r\n`);
  });

  it('go nowhere outside the workspace, by a link neither, and are of no file of tests', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'niwaki-edit-outside-'));
    symlinkSync(outside, join(root, 'tests'));
    const python = open('x = 1\n```', 'pkg/add.py', 'x = 1\n');
    assert.match((await python.ask({ task: 'tests' })).problem, /leads out of the workspace/);
    rmSync(outside, { recursive: true });
    const tests = open('x\n```', 'src/add.test.ts', 'it();\n');
    assert.match((await tests.ask({ task: 'tests' })).problem, /no tests to be written/);
    const stray = testEdits({ answer: () => '```' }, { text: source });
    assert.match((await stray.ask({ task: 'tests' })).problem, /not in it/);
    assert.equal(python.engine.runs.length + tests.engine.runs.length + stray.engine.runs.length, 0);
  });
});
