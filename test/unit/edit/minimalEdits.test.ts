import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyEdits, checkEdits, isAmid, lineStarts, linesOf, minimalEdits } from '#protocol';
import { processorMs } from '../../support/processorTime';
import { Random } from '../../support/random';
import { pick, randomEdits, randomText } from './support';

const root = join(__dirname, '..', '..', '..');

function assertMakes(before: string, after: string): void {
  const edits = minimalEdits(before, after);
  assert.equal(checkEdits(before.length, edits), '');
  assert.equal(applyEdits(before, edits), after);
  let shift = 0;
  for (const { start, end, text } of edits) {
    assert.ok(start < end || text !== '');
    assert.notEqual(before.slice(start, end), text);
    for (const offset of [start, end]) {
      assert.ok(!isAmid(before, offset), `splits ${JSON.stringify(before)} at ${String(offset)}`);
    }
    assert.ok(!isAmid(after, start + shift) && !isAmid(after, start + shift + text.length));
    shift += text.length - (end - start);
  }
}

describe('the edits that make one text of another', () => {
  it('are as few and small as a reader would make them', () => {
    const before = 'one two three\nfour five six\nseven\n';
    assert.deepEqual(minimalEdits(before, before), []);
    assert.deepEqual(minimalEdits(before, before.replace('two', '2').replace('six', 'seven')), [
      { start: 4, end: 7, text: '2' },
      { start: 24, end: 27, text: 'seven' },
    ]);
    assert.deepEqual(minimalEdits('a\nb\nd\n', 'a\nb\nc\nd\n'), [{ start: 4, end: 4, text: 'c\n' }]);
    assert.deepEqual(minimalEdits('a\nb\nc\n', 'a\nc\n'), [{ start: 2, end: 4, text: '' }]);
    // A final line end.
    assert.deepEqual(minimalEdits('a\nb', 'a\nb\n'), [{ start: 3, end: 3, text: '\n' }]);
    assert.deepEqual(minimalEdits('a\nb\n', 'a\nb'), [{ start: 3, end: 4, text: '' }]);
  });

  it('change words, not parts of them', () => {
    assert.deepEqual(minimalEdits('const foo = 1;\n', 'const foobar = 1;\n'), [
      { start: 6, end: 9, text: 'foobar' },
    ]);
    assert.deepEqual(minimalEdits('call();\n', 'call(x);\n'), [{ start: 5, end: 5, text: 'x' }]);
  });

  it('cut no pair of surrogates and no CR LF', () => {
    for (const [before, after] of [
      ...[
        ['abc', 'abXc'],
        ['aa', 'aaa'],
        ['', 'x'],
        ['x', ''],
        ['a\u{1F600}b', 'a\u{1F601}b'],
      ],
      ...[
        ['a\r\nb', 'a\nb'],
        ['a\r\n\r\nb', 'a\r\nb'],
        ['a\nb', 'a\r\nb'],
        ['a\rb', 'a\r\nb'],
        ['a\r', 'a\r\n'],
      ],
      ...[
        ['\u{1F600}\u{1F600}', '\u{1F600}'],
        ['\ud83d', '\ud83d\ude00'],
        ['\ude00', '\ud83d\ude00'],
      ],
    ] as [string, string][]) {
      assertMakes(before, after);
    }
  });

  it('make it of texts at random', () => {
    const random = new Random(4);
    for (let i = 0; i < 3000; i += 1) {
      const before = randomText(random, 40);
      assertMakes(before, randomText(random, 40));
      assertMakes(before, applyEdits(before, randomEdits(random, before.length, 4)));
    }
  });

  it('make it of real files, with edits that stay small', () => {
    const random = new Random(5);
    for (const name of ['protocol/src/chat.ts', 'docs/ARCHITECTURE.md', 'server/src/grammar/ebnf.ts']) {
      const before = readFileSync(join(root, name), 'utf8');
      assertMakes(before, before.replaceAll('\n', '\r\n'));
      for (let i = 0; i < 20; i += 1) {
        const lines = linesOf(before);
        for (let k = 0; k < 5; k += 1) {
          const at = random.below(lines.length - 1);
          lines[at] = pick(random, [
            '',
            'new line\n',
            `${lines[at] ?? ''}twice\n`,
            'const x = 1;\nconst y = 2;\n',
          ]);
        }
        const after = lines.join('');
        assertMakes(before, after);
        const changed = minimalEdits(before, after).reduce((sum, { start, end }) => sum + end - start, 0);
        assert.ok(changed < before.length / 4, `${name}: ${String(changed)}`);
      }
    }
  });

  it('take no longer than somebody waits, whatever differs', () => {
    const random = new Random(6);
    const line = (): string => `const value${String(random.next())} = ${String(random.below(9))};\n`;
    const before = Array.from({ length: 20_000 }, line);
    const texts = [
      Array.from({ length: 20_000 }, line), // nothing is the same
      before.map((one, i) => (i % 10 === 0 ? line() : one)), // more differs than is looked for
      before.map((one, i) => (i % 50 === 0 ? line() : one)),
      [...before].reverse(),
    ];
    for (const after of texts) {
      const took = processorMs(() => {
        assertMakes(before.join(''), after.join(''));
      });
      assert.ok(took < 1500, `${String(Math.round(took))} ms`); // a fifth of it where nothing else runs
    }
    const long = 'x'.repeat(2_000_000);
    const took = processorMs(() => {
      assert.deepEqual(minimalEdits(`${long}a${long}`, `${long}b${long}`), [
        { start: 2_000_000, end: 2_000_001, text: 'b' },
      ]);
    });
    assert.ok(took < 1500, `${String(Math.round(took))} ms`);
  }).timeout(60_000);
});

describe('lines', () => {
  it('end where VS Code ends them', () => {
    assert.deepEqual(linesOf('a\r\nb\rc\nd'), ['a\r\n', 'b\r', 'c\n', 'd']);
    assert.deepEqual(linesOf('a\u2028b\u2029c\fd\u0085e\vf'), ['a\u2028b\u2029c\fd\u0085e\vf']);
    assert.deepEqual(linesOf(''), ['']);
    assert.deepEqual(linesOf('\n'), ['\n', '']);
    assert.deepEqual(lineStarts('\r\r\n\n'), [0, 1, 3, 4]);
  });
});
