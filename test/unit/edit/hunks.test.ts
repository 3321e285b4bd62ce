import * as assert from 'node:assert/strict';
import {
  applyEdits,
  goodEdits,
  hunksOf,
  linesOf,
  minimalEdits,
  rebaseEdits,
  rebaseHunks,
  withoutEnd,
  type Hunk,
} from '#protocol';
import { Random } from '../../support/random';
import { randomEdits, randomText, shuffled } from './support';

describe('hunks', () => {
  const before = 'a\nb\nc\nd\ne\nf\n';

  it('show what lines become', () => {
    const after = 'a\nB\nc\nd\nd2\ne\nf\n';
    const [one, two, ...more] = hunksOf(before, minimalEdits(before, after));
    assert.deepEqual(one && { ...one, edits: [] }, {
      ...{ lines: { start: 1, end: 2 }, oldLines: ['b'], newLines: ['B'], edits: [], first: 0 },
    });
    assert.deepEqual(two && { ...two, edits: [] }, {
      ...{ lines: { start: 4, end: 4 }, oldLines: [], newLines: ['d2'], edits: [], first: 1 },
    });
    assert.deepEqual(more, []);
  });

  it('show lines that go, and the end of a file', () => {
    const shown = (from: string, to: string) =>
      hunksOf(from, minimalEdits(from, to)).map(({ lines, oldLines, newLines }) => [
        lines.start,
        oldLines,
        newLines,
      ]);
    assert.deepEqual(shown('a\nb\nc\n', 'a\nb\n'), [[2, ['c'], []]]);
    assert.deepEqual(shown('a\nb', 'a\nb\n'), [[1, ['b'], ['b', '']]]);
    assert.deepEqual(shown('a\nb\n', 'a\nb\nc\n'), [[2, [], ['c']]]);
    assert.deepEqual(shown('', 'a\n'), [[0, [], ['a']]]);
    assert.deepEqual(shown('a\r\nb\r\n', 'a\r\nB\r\n'), [[1, ['b'], ['B']]]);
  });

  it('hold neighbouring lines together', () => {
    const edits = [
      { start: 0, end: 1, text: 'A' },
      { start: 2, end: 3, text: 'B' },
      { start: 6, end: 7, text: 'D' },
    ];
    assert.deepEqual(
      hunksOf(before, edits).map(({ lines, first }) => [lines.start, lines.end, first]),
      [
        [0, 2, 0],
        [3, 4, 2],
      ],
    );
  });

  it('hold all edits, share no line, and show what the text has and gets', () => {
    const random = new Random(7);
    for (let i = 0; i < 3000; i += 1) {
      const text = randomText(random, 60);
      const edits = randomEdits(random, text.length, 6);
      const hunks = hunksOf(text, edits);
      assert.deepEqual(
        hunks.flatMap((hunk) => hunk.edits),
        edits,
      );
      // Old lines by their ranges; new lines in place of them are the new text.
      const lines = linesOf(text).map((line) => withoutEnd(line));
      const result: string[] = [];
      let last = 0;
      for (const hunk of hunks) {
        assert.ok(hunk.lines.start > last || last === 0, 'a line between two');
        assert.deepEqual(hunk.oldLines, lines.slice(hunk.lines.start, hunk.lines.end));
        result.push(...lines.slice(last, hunk.lines.start), ...hunk.newLines);
        last = hunk.lines.end;
      }
      result.push(...lines.slice(last));
      assert.deepEqual(
        result,
        linesOf(applyEdits(text, edits)).map((line) => withoutEnd(line)),
        JSON.stringify([text, edits]),
      );
    }
  });

  it('give the same accepted one by one, in any order, as together', () => {
    const random = new Random(8);
    let several = 0;
    for (let i = 0; i < 2000; i += 1) {
      const text = randomText(random, 120);
      const edits = randomEdits(random, text.length, 6, 9);
      const all = hunksOf(text, edits);
      const accepted = shuffled(random, all.length).slice(0, 1 + random.below(all.length || 1));
      several += accepted.length > 1 ? 1 : 0;
      let hunks: readonly (Hunk | undefined)[] = all;
      let now = text;
      for (const index of accepted) {
        const { edits: taken = [] } = hunks[index] ?? {};
        now = applyEdits(now, taken);
        hunks = rebaseHunks(now, hunks.with(index, undefined), taken);
        assert.equal(hunks.filter((hunk) => hunk === undefined).length, accepted.indexOf(index) + 1);
      }
      const wanted = all.filter((_, index) => accepted.includes(index)).flatMap((hunk) => hunk.edits);
      assert.equal(now, applyEdits(text, wanted));
    }
    assert.ok(several > 500);
  });

  it('are whole or in conflict when the text changes', () => {
    const edits = [
      { start: 0, end: 1, text: 'A' },
      { start: 2, end: 3, text: 'B' },
      { start: 8, end: 9, text: 'E' },
    ];
    const hunks = hunksOf(before, edits);
    const change = { start: 3, end: 3, text: 'x' };
    const text = applyEdits(before, [change]);
    const [one, two] = rebaseHunks(text, hunks, change);
    assert.equal(one, undefined);
    assert.deepEqual(two?.lines, { start: 4, end: 5 });
    assert.deepEqual(two.edits, [{ start: 9, end: 10, text: 'E' }]);
    // Edit by edit the first would be good: a hunk is more than its edits.
    assert.equal(goodEdits(rebaseEdits(edits, change)).length, 2);
  });
});
