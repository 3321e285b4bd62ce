import * as assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Documents,
  isKey,
  readRecording,
  writeRecording,
  type Recording,
} from '../../../bench/completion/replay/format.mjs';
import { Editor } from '../../../bench/completion/replay/editor.mjs';
import { hunks } from '../../../bench/completion/replay/hunks.mjs';
import { timePerKey } from '../../../bench/completion/replay/hostTime.mjs';
import { quantile } from '../../../bench/completion/replay/latency.mjs';
import { editSittings, fillIn } from '../../../bench/completion/replay/scripts.mjs';
import { Typist } from '../../../bench/completion/replay/typist.mjs';

const root = join(__dirname, '..', '..', '..');
const source = readFileSync(join(root, 'server/src/completion/fit.ts'), 'utf8');

/** The text of a file at a recording's end. */
function endOf({ events }: Recording, doc: string): string | undefined {
  const documents = new Documents();
  let text: string | undefined;
  for (const event of events) {
    documents.apply(event);
    text = documents.open.get(doc)?.text ?? text;
  }
  return text;
}

describe('bench: recordings of editing', () => {
  it('are read as they were written', () => {
    const recording = fillIn('a.ts', source, { keys: 100, seed: 4, title: 'a title', source: 'here' });
    assert.deepEqual(readRecording(writeRecording(recording)), recording);
  });

  it('are refused, with the line, where they make no sense', () => {
    const head = '{"recording":1,"title":"t","source":"s"}\n';
    const open = '{"t":5,"type":"open","doc":"a","language":"x","text":"ab"}\n';
    const cases: readonly [string, RegExp][] = [
      ['{"recording":2}\n', /Line 1 .* no head/],
      [`${head}{"t":1,"type":"jump"}\n`, /Line 2 .* unknown type jump/],
      [`${head}{"t":1,"type":"move","to":0}\n`, /Line 2 .* no file to act on/],
      [`${head}${open}{"t":4,"type":"move","to":0}\n`, /Line 3 .* back in time/],
      [`${head}${open}{"t":6,"type":"move","to":3}\n`, /Line 3 .* outside its document/],
      [`${head}${open}{"t":6,"type":"edit","at":1,"delete":2}\n`, /Line 3 .* outside its document/],
      [`${head}${open}{"t":6,"type":"edit"}\n`, /Line 3 .* needs "at"/],
      [`${head}${open}{"t":6,\n`, /Line 3 .* not JSON/],
    ];
    for (const [text, expected] of cases) {
      assert.throws(() => readRecording(text), expected);
    }
  });

  it('that lie beside the tests can be replayed', () => {
    const folder = join(root, 'test', 'fixtures', 'recordings');
    const keys = readdirSync(folder).map(
      (name) => readRecording(readFileSync(join(folder, name), 'utf8')).events.filter(isKey).length,
    );
    assert.ok(keys.length >= 3 && keys.every((count) => count >= 150), keys.join(', '));
  });
});

describe('bench: the typist', () => {
  it('writes exactly what it is given, key by key, with brackets that close by themselves', () => {
    for (const seed of [1, 2, 3]) {
      const typist = new Typist(seed);
      typist.openFile('a.ts', 'typescript', '// head\n\n// tail\n');
      typist.goTo('// head\n'.length);
      typist.type(source);
      assert.equal(typist.text, `// head\n${source}\n// tail\n`);
      const keys = typist.events.filter(isKey);
      assert.ok(keys.length > source.length * 0.9 && keys.length < source.length * 1.2);
      assert.ok(
        keys.every((event) => event.type === 'edit' && (event.insert ?? '').replace(/\s/g, '').length <= 2),
        'no key types more than a pair of brackets',
      );
      assert.ok(keys.some((event) => event.type === 'edit' && event.insert === '()'));
      assert.ok(
        keys.some((event) => event.type === 'edit' && (event.delete ?? 0) > 0 && event.insert === undefined),
      );
    }
  });

  it('is the same for the same seed, and another for another', () => {
    const events = (seed: number): unknown => {
      const typist = new Typist(seed);
      typist.openFile('a.ts', 'typescript', '');
      typist.type(source);
      return typist.events;
    };
    assert.deepEqual(events(5), events(5));
    assert.notDeepEqual(events(5), events(6));
  });

  it('turns the difference of two texts into hunks, and types these', () => {
    const before = source;
    const after = source
      .replace('export function fitToCursor', 'export function fitToTheCursor')
      .replace('  return -1;\n', '')
      .replace(
        '/** Undefined when',
        '/** A line that is new. */\nconst added = { a: [1, 2] };\n\n/** Undefined when',
      );
    const pieces = hunks(before, after);
    assert.equal(pieces.length, 3);
    assert.ok(pieces.every(({ added, removed }) => added.length < 80 && removed.length < 80));
    const files = [{ path: 'fit.ts', before, after }];
    const recording = editSittings([{ name: 'x', files }], { seed: 1, title: '', source: '' });
    assert.equal(endOf(recording, 'x/fit.ts'), after);
  });

  it('fills in what is missing until the file is whole', () => {
    const recording = fillIn('fit.ts', source, { keys: 600, seed: 9, title: '', source: '' });
    assert.equal(endOf(recording, 'fit.ts'), source);
  });
});

describe('bench: the editor that replays', () => {
  const typed = (text: string): Recording => ({
    title: '',
    source: '',
    events: [
      { t: 0, type: 'open', doc: 'a', language: 'x', text: '' },
      ...Array.from(text, (insert, at) => ({ t: 100 * (at + 1), type: 'edit' as const, at, insert })),
    ],
  });

  it('keeps a suggestion that is typed along, takes it where it is right, and skips what it says', () => {
    const editor = new Editor(typed('let answer;'), { acceptShare: 1 });
    for (let i = 0; i < 5; i += 1) {
      editor.step(i * 100);
    }
    assert.equal(editor.documents.current.text, 'let ');
    editor.show({ text: 'answer', start: 4, end: 4 }, 400);
    editor.step(500); // too soon to be taken: typed along
    assert.equal(editor.ghost?.text, 'nswer');
    editor.step(600);
    const { accepted, change } = editor.step(700);
    assert.equal(accepted, true);
    assert.deepEqual(change, { doc: 'a', at: 6, gone: '', insert: 'swer' });
    assert.equal(editor.documents.current.text, 'let answer');
    editor.step(800);
    assert.equal(editor.upcoming, undefined);
    assert.equal(editor.documents.current.text, 'let answer;');
    assert.equal(editor.figures.accepted, 1);
    assert.equal(editor.figures.saved, 3);
  });

  it('takes nothing that the recording does not come to, and lets it go when something else is typed', () => {
    const editor = new Editor(typed('let answer;'), { acceptShare: 1 });
    editor.step(0);
    editor.step(100);
    editor.show({ text: 'ess', start: 1, end: 1 }, 100);
    assert.equal(editor.step(900).accepted, false);
    assert.equal(editor.ghost?.text, 'ss');
    editor.step(1000);
    assert.equal(editor.ghost, undefined);
    assert.deepEqual([editor.figures.shown, editor.figures.right, editor.figures.accepted], [1, 0, 0]);
  });
});

describe('bench: figures of the replay', () => {
  it('count what was cut off as longer than that', () => {
    const row = (ms: number, cut = false): { ms: number; cut: boolean } => ({ ms, cut });
    assert.equal(quantile([row(1), row(2), row(3), row(4)], 0.5), 2);
    // Without those that were cut off the median would be 1.
    assert.equal(quantile([row(1), row(5, true), row(5, true), row(9)], 0.5), 9);
    assert.equal(quantile([row(1), row(5, true), row(5, true)], 0.95), Infinity);
  });

  it('find our own time in a profile, with what our code calls, and none of what calls it', () => {
    const node = (id: number, url: string, children: number[] = []): object => ({
      id,
      callFrame: { url },
      children,
    });
    const profile = {
      nodes: [
        node(1, '', [2, 5]),
        node(2, '/other/dist/extension.js', [3]), // another extension's bundle of the same name
        node(3, '/w/dist/extension.js', [4]),
        node(4, 'node:internal'),
        node(5, 'vs/other.js'),
      ],
      startTime: 0,
      samples: [2, 3, 4, 5, 3],
      timeDeltas: [0, 1000, 1000, 1000, 1000, 0],
    };
    // Samples at 0, 1, 2, 3 and 4 ms; the second key comes at 2 ms.
    assert.deepEqual(timePerKey({ profile, keys: [0, 2000], ended: 9000 }, '/w'), [1, 1]);
  });
});
