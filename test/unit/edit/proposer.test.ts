import { strict as assert } from 'node:assert';
import { testEdits } from './editSupport';

const file = ['import { a } from "a";', '', 'export function f() {', '  return a(1);', '}', ''].join('\n');

describe('edit/proposer', () => {
  it('writes a small range anew, under a mask, behind the file', async () => {
    const edits = testEdits({ answer: () => '  return a(2);\n```' }, { text: file });
    const result = await edits.ask({ range: { start: 3, end: 4 }, instruction: 'Use two' });
    assert.equal(result.problem, '');
    assert.equal(result.form, 'rewrite');
    assert.equal(edits.applied(result), file.replace('a(1)', 'a(2)'));
    const [run] = edits.engine.runs;
    assert.ok(run);
    assert.ok(run.prompt.endsWith('```typescript\n'), run.prompt);
    assert.ok(run.prompt.indexOf('import { a }') < run.prompt.indexOf('Use two'));
    assert.ok(run.request.constraint);
    assert.deepEqual(
      [...new Set(edits.progress.map(({ phase }) => phase))],
      ['loading', 'waiting', 'reading', 'writing'],
    );
    assert.ok((result.figures?.promptTokens ?? 0) > 50 && (result.figures?.tokens ?? 0) > 3);
  });

  it('computes only what is new when the same file is edited again', async () => {
    const edits = testEdits({ answer: () => '```' }, { text: file });
    const first = await edits.ask({ range: { start: 3, end: 4 }, instruction: 'One' });
    const second = await edits.ask({ range: { start: 3, end: 4 }, instruction: 'Two' });
    assert.equal(first.figures?.reusedTokens, 0);
    assert.ok((second.figures?.reusedTokens ?? 0) > (second.figures?.promptTokens ?? 0) - 60);
  });

  it('keeps line ends, and a last line without one', async () => {
    const edits = testEdits({ answer: () => 'b\nc\n```' }, { text: 'x\r\ny' });
    assert.equal(edits.applied(await edits.ask({ range: { start: 1, end: 2 } })), 'x\r\nb\r\nc');
    assert.equal(edits.applied(await edits.ask({ range: { start: 0, end: 1 } })), 'b\r\nc\r\ny');
    assert.equal(edits.applied(await edits.ask({ range: { start: 2, end: 2 } })), 'x\r\ny\r\nb\r\nc');
    assert.equal(edits.applied(await edits.ask({ range: { start: 0, end: 9 } })), 'b\r\nc');
  });

  it('says nothing of an answer that did not come to its end', async () => {
    const edits = testEdits({ answer: () => 'word '.repeat(5000) }, { text: 'a\nb\n' });
    const result = await edits.ask();
    assert.match(result.problem, /did not come to its end/);
    assert.deepEqual(result.changes, []);
  });

  it('refuses another version, and what is kept from models', async () => {
    const edits = testEdits({ answer: () => '```' }, { text: 'a', uri: 'file:///w/.env' });
    assert.match((await edits.ask({ version: 2 })).problem, /has changed/);
    assert.match((await edits.ask()).problem, /kept from models/);
    assert.match((await edits.ask({ uri: 'file:///w/other' })).problem, /not open/);
    assert.equal(edits.engine.runs.length, 0);
  });

  it('is cancelled at once, and says so; a model that goes is a problem', async () => {
    const slow = { answer: () => 'word '.repeat(300), decodeMsPerToken: 3 };
    const edits = testEdits(slow, { text: 'a\nb\n' });
    const controller = new AbortController();
    const cancelled = await edits.ask({}, controller.signal, ({ phase }) => {
      if (phase === 'writing') {
        controller.abort();
      }
    });
    assert.deepEqual([cancelled.cancelled, cancelled.problem, cancelled.changes], [true, '', []]);
    assert.equal(edits.engine.jobsInFlight, 0);
    const gone = await edits.ask({}, undefined, ({ phase, tokens }) => {
      if (phase === 'writing' && tokens === 3) {
        void edits.host.unload();
      }
    });
    assert.match(gone.problem, /unloaded/);
    assert.deepEqual([gone.cancelled, gone.changes], [false, []]);
  });

  it('goes on when the document is closed meanwhile, and forgets it afterwards', async () => {
    const edits = testEdits({ answer: () => '  return a(2);\n```' }, { text: file });
    const range = { start: 3, end: 4 };
    let closing: Promise<void> | undefined;
    const result = await edits.ask({ range }, undefined, ({ phase }) => {
      if (phase === 'writing') {
        closing ??= edits.close();
      }
    });
    await closing;
    assert.equal(edits.applied(result), file.replace('a(1)', 'a(2)'), result.problem);
    assert.equal((await edits.ask({ range })).figures?.reusedTokens, 0);
    await edits.close();
    assert.equal((await edits.ask({ range })).figures?.reusedTokens, 0);
  });

  const long =
    [...Array(80).keys()].map((i) => (i % 4 === 3 ? '}' : `call(${String(i)});`)).join('\n') + '\n';

  it('changes a large range by blocks, each finished one known before the answer ends', async () => {
    const said = [
      '<<<<<<< SEARCH\ncall(4);\n=======\ncall(44);\n>>>>>>> REPLACE',
      '<<<<<<< SEARCH\n}\ncall(8);\n=======\n>>>>>>> REPLACE',
      '```',
    ].join('\n');
    const edits = testEdits({ answer: () => said }, { text: long });
    const result = await edits.ask({ range: { start: 0, end: 80 } });
    assert.deepEqual([result.problem, result.form], ['', 'blocks']);
    assert.equal(edits.applied(result), long.replace('call(4);', 'call(44);').replace('}\ncall(8);\n', ''));
    const between = edits.progress.find(({ edits: some }) => some.length > 0);
    assert.ok(between?.edits.length === 1 && between.tokens < (result.figures?.tokens ?? 0) - 10);
    assert.ok(edits.engine.runs[0]?.prompt.includes('<<<<<<< SEARCH'));
  });

  it('can say by blocks that nothing has to change', async () => {
    const edits = testEdits({ answer: () => '```' }, { text: long });
    const result = await edits.ask({ range: { start: 0, end: 80 } });
    assert.deepEqual([result.problem, result.changes, result.form], ['', [], 'blocks']);
  });

  it('has no blocks where no lines name a place, or some look like their marks', async () => {
    for (const text of ['same\n'.repeat(90), `${long}=======\n`]) {
      const edits = testEdits({ answer: () => '```' }, { text });
      assert.equal((await edits.ask({ range: { start: 0, end: 99 } })).form, 'rewrite');
    }
  });

  it('shows what of a rewrite is certain as it comes', async () => {
    const text = ['a();', 'b();', 'c();', 'd();', ''].join('\n');
    const edits = testEdits({ answer: () => 'a();\nbb();\nc();\nd();\n```' }, { text });
    const result = await edits.ask({ range: { start: 0, end: 4 } });
    assert.equal(edits.applied(result), text.replace('b();', 'bb();'));
    const first = edits.progress.findIndex(({ edits: some }) => some.length > 0);
    assert.ok(first > 0 && first < edits.progress.length - 5);
    assert.deepEqual(edits.progress[first]?.edits, result.changes[0]?.edits);
  });

  it('says which errors of the syntax a change adds', async () => {
    const edits = testEdits({ answer: () => '  return a(1;\n```' }, { text: file });
    const [change] = (await edits.ask({ range: { start: 3, end: 4 } })).changes;
    assert.deepEqual(
      change?.broken.map(({ line }) => line),
      [3],
    );
    const good = testEdits({ answer: () => '  return a(3);\n```' }, { text: file });
    assert.deepEqual((await good.ask({ range: { start: 3, end: 4 } })).changes[0]?.broken, []);
    const unknown = testEdits({ answer: () => '((\n```' }, { text: 'x', languageId: 'unheard-of' });
    assert.deepEqual((await unknown.ask()).changes[0]?.broken, []);
  });

  it('shows an earlier try with its errors, and problems with their lines', async () => {
    const edits = testEdits({ answer: () => '```' }, { text: file });
    const problems = [{ line: 3, message: 'Expected 2 arguments' }];
    await edits.ask({ range: { start: 3, end: 4 }, task: 'fix', problems });
    await edits.ask({ range: { start: 3, end: 4 }, task: 'fix', problems, tried: '  return b(7);\n' });
    const [first, second] = edits.engine.runs.map(({ prompt }) => prompt);
    assert.match(first ?? '', /Expected 2 arguments\n {2}in the line: return a\(1\);/);
    assert.match(
      second ?? '',
      /return b\(7\);\n```\n\nIt makes these errors:\n- Expected 2 arguments\n {2}in the line: return b\(7\);/,
    );
  });

  it('shows a part of a file that is too long for the model, and refuses a range that is', async () => {
    const text = Array.from({ length: 3000 }, (_, i) => `const value${String(i)} = ${String(i)};`).join('\n');
    const edits = testEdits({ answer: () => '```' }, { text });
    const result = await edits.ask({ range: { start: 1500, end: 1510 } });
    assert.equal(result.problem, '');
    const prompt = edits.engine.runs[0]?.prompt ?? '';
    assert.ok(
      prompt.includes('A part of the file') && prompt.includes('value1490 ') && !prompt.includes('value10 '),
    );
    assert.ok((result.figures?.promptTokens ?? 0) + 384 < 8192);
    assert.match((await edits.ask({ range: { start: 0, end: 3000 } })).problem, /do not fit/);
  });
});
