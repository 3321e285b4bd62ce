import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Answerer } from '#server/chat/answerer';
import { bareMessage, commitMessage } from '#server/chat/commitMessage';
import { ChosenFiles } from '#server/workspace/chosenFiles';
import { testChats, type TestChats } from './chatSupport';

const section = (path: string, lines: number): string =>
  `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -1 +1,${String(lines)} @@\n${'+a line of it\n'.repeat(lines)}`;

describe('chat/commitMessage', () => {
  let root: string;
  let files: ChosenFiles;
  let t: TestChats;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'niwaki-commit-'));
    writeFileSync(join(root, '.niwakiignore'), 'private/\n');
    files = new ChosenFiles(() => []);
    files.configure({ exclude: [], folders: [pathToFileURL(root).href] });
  });
  after(() => {
    rmSync(root, { recursive: true, force: true });
  });
  afterEach(() => {
    t.end();
  });
  const write = (
    diff: string,
    signal = new AbortController().signal,
    onText: (text: string) => void = () => undefined,
  ): ReturnType<typeof commitMessage> => {
    const { engine, model } = t;
    const deps = { engine, model, files, answerer: new Answerer({ engine, model }) };
    return commitMessage(
      deps,
      { diff, root: pathToFileURL(root).href, recent: ['area: what and why'] },
      signal,
      onText,
    );
  };

  it('writes one, piece by piece, in the style of the last ones', async () => {
    t = testChats({ answer: () => '```\narea: add a thing\n\nIt was missing.\n```' });
    const seen: string[] = [];
    const result = await write(section('a.ts', 3), undefined, (text) => seen.push(text));
    assert.deepEqual(result, {
      text: 'area: add a thing\n\nIt was missing.',
      leftOut: '',
      problem: '',
      cancelled: false,
    });
    assert.ok(
      seen.length > 3 && seen.every((text) => result.text.startsWith(text) || text.startsWith(result.text)),
    );
    const prompt = t.engine.runs[0]?.prompt ?? '';
    assert.ok(prompt.includes('- area: what and why') && prompt.includes('+a line of it'));
  });

  it('shows no file that is kept from models', async () => {
    t = testChats({ answer: () => 'x' });
    const result = await write(section('a.ts', 1) + section('private/plan.md', 1) + section('.env', 1));
    assert.match(result.leftOut, /Kept from models: private\/plan\.md, \.env\./);
    assert.ok(!/plan\.md|\.env/.test(t.engine.runs[0]?.prompt ?? ''));
    const nothing = await write(section('.env', 1));
    assert.match(nothing.problem, /kept from models/);
    assert.equal(t.engine.runs.length, 1);
  });

  it('cuts what does not fit, and says what', async () => {
    t = testChats({ answer: () => 'x', contextLength: 2048 });
    const result = await write(section('small.ts', 3) + section('large.ts', 5000));
    assert.equal(result.problem, '');
    assert.match(result.leftOut, /large\.ts/);
    assert.ok(!result.leftOut.includes('small.ts'));
    assert.ok((t.engine.runs[0]?.request.tokens.length ?? 9999) <= 2048 - 256);
  });

  it('ends at once when it is cancelled', async () => {
    t = testChats({ answer: () => 'word '.repeat(200), decodeMsPerToken: 5 });
    const controller = new AbortController();
    const result = await write(section('a.ts', 3), controller.signal, () => {
      controller.abort();
    });
    assert.deepEqual(result, { text: '', leftOut: '', problem: '', cancelled: true });
    assert.equal(t.engine.jobsInFlight, 0);
  });

  it('takes off what models put around a message, and nothing of it', () => {
    t = testChats();
    assert.equal(bareMessage('Commit message: "fix: x"'), 'fix: x');
    assert.equal(bareMessage('"fix" the "x"'), '"fix" the "x"');
    assert.equal(bareMessage('`fix`'), 'fix');
    assert.equal(bareMessage('```text\nfix: `x`\n```'), 'fix: `x`');
    assert.equal(bareMessage('fix: x\n\n- one\n- two\n'), 'fix: x\n\n- one\n- two');
  });
});
