import * as assert from 'node:assert/strict';
import { applyEdits, checkEdits, goodEdits, inverseEdits, rebaseEdits, type TextEdit } from '#protocol';
import { Random } from '../../support/random';
import { TaggedText } from '../../support/taggedMerge';
import { randomEdits, randomText } from './support';

const edit = (start: number, end: number, text: string): TextEdit => ({ start, end, text });

/** By an independent merge; `changes` are simultaneous, so the last comes first. */
function reference(
  text: string,
  edits: readonly TextEdit[],
  changes: readonly TextEdit[],
): { readonly merged: string; readonly conflicts: readonly number[] } {
  const tagged = new TaggedText(text);
  [...changes].reverse().forEach((change) => {
    tagged.change(change);
  });
  return {
    merged: tagged.with(edits.filter((one) => tagged.isApart(one))),
    conflicts: edits.flatMap((one, index) => (tagged.isApart(one) ? [] : [index])),
  };
}

describe('edits of a text', () => {
  it('are applied all at once', () => {
    assert.equal(applyEdits('one two three', [edit(0, 3, '1'), edit(8, 13, '3')]), '1 two 3');
    assert.equal(applyEdits('ab', [edit(1, 1, 'x'), edit(1, 1, 'y')]), 'axyb');
    assert.equal(applyEdits('', [edit(0, 0, 'x')]), 'x');
    assert.equal(applyEdits('abc', []), 'abc');
  });

  it('are refused with what is wrong where they are none of the text', () => {
    for (const [edits, words] of [
      [[edit(2, 4, '')], 'outside the text of 3 units'],
      [[edit(-1, 1, '')], 'outside the text'],
      [[edit(2, 1, '')], 'ends before it begins'],
      [[edit(0, 2, ''), edit(1, 3, '')], 'Edit 1 (1 to 3) begins before the end of the one before it, 2'],
      [[edit(2, 2, ''), edit(1, 1, '')], 'begins before'],
      [[edit(0.5, 1, '')], 'no whole number'],
      [[edit(Number.NaN, 1, '')], 'no whole number'],
    ] as const) {
      assert.ok(checkEdits(3, edits).includes(words), checkEdits(3, edits));
      assert.throws(() => applyEdits('abc', edits), RangeError);
      assert.throws(() => inverseEdits('abc', edits), RangeError);
    }
    assert.equal(checkEdits(3, [edit(0, 1, ''), edit(1, 1, 'x'), edit(1, 3, '')]), '');
  });

  it('have an inverse', () => {
    const random = new Random(1);
    for (let i = 0; i < 2000; i += 1) {
      const text = randomText(random, 20);
      const edits = randomEdits(random, text.length, 5);
      const changed = applyEdits(text, edits);
      assert.equal(applyEdits(changed, inverseEdits(text, edits)), text);
    }
  });
});

describe('edits whose text changed meanwhile', () => {
  it('are moved where the change is elsewhere', () => {
    const edits = [edit(2, 4, 'X'), edit(10, 10, 'Y')];
    assert.deepEqual(rebaseEdits(edits, edit(6, 8, 'longer')), {
      good: [
        { index: 0, edit: edit(2, 4, 'X') },
        { index: 1, edit: edit(14, 14, 'Y') },
      ],
      conflicts: [],
    });
  });

  it('are in conflict where the change overlaps or touches them', () => {
    for (const change of [
      ...[edit(5, 5, 'x'), edit(8, 8, 'x'), edit(6, 6, 'x'), edit(4, 5, ''), edit(8, 9, ''), edit(3, 6, 'x')],
      ...[edit(7, 12, ''), edit(0, 20, ''), edit(5, 8, 'x')],
    ]) {
      assert.deepEqual(
        rebaseEdits([edit(5, 8, 'new')], change).conflicts.map(({ index }) => index),
        [0],
        JSON.stringify(change),
      );
    }
    for (const change of [edit(4, 4, 'x'), edit(9, 9, 'x'), edit(0, 4, ''), edit(9, 20, '')]) {
      assert.deepEqual(rebaseEdits([edit(5, 8, 'new')], change).conflicts, [], JSON.stringify(change));
    }
    // Two insertions at one place, or beside what is replaced.
    for (const change of [edit(5, 5, 'x'), edit(4, 5, 'x'), edit(5, 6, 'x')]) {
      assert.equal(rebaseEdits([edit(5, 5, 'new')], change).conflicts.length, 1);
    }
  });

  it('say where a conflict is, in the changed text', () => {
    const [conflict] = rebaseEdits([edit(5, 8, 'new')], [edit(0, 2, ''), edit(6, 6, 'xyz')]).conflicts;
    assert.deepEqual(conflict, { index: 0, start: 3, end: 9 });
  });

  it('take the changes of one event in any order, and refuse those that overlap', () => {
    const changes = [edit(9, 9, 'zz'), edit(0, 0, 'a'), edit(3, 4, '')];
    const { good } = rebaseEdits([edit(6, 7, 'X')], changes);
    assert.deepEqual(good, [{ index: 0, edit: edit(6, 7, 'X') }]);
    assert.throws(() => rebaseEdits([], [edit(0, 3, ''), edit(2, 4, '')]), RangeError);
  });

  it('are not touched by a change that does nothing', () => {
    assert.equal(rebaseEdits([edit(5, 8, 'new')], edit(6, 6, '')).conflicts.length, 0);
  });

  it('become what a merge by tagged units becomes, and conflict exactly where that says', () => {
    const random = new Random(2);
    const counts = { good: 0, conflicts: 0 };
    for (let i = 0; i < 5000; i += 1) {
      const text = randomText(random, 40);
      const edits = randomEdits(random, text.length, 4);
      const changes = randomEdits(random, text.length, 3).filter(
        ({ start, end, text: written }) => start !== end || written !== '',
      );
      const rebased = rebaseEdits(edits, [...changes].reverse());
      const { merged, conflicts } = reference(text, edits, changes);
      assert.deepEqual(
        rebased.conflicts.map(({ index }) => index),
        conflicts,
      );
      assert.equal(applyEdits(applyEdits(text, changes), goodEdits(rebased)), merged);
      counts.good += rebased.good.length;
      counts.conflicts += conflicts.length;
    }
    assert.ok(counts.good > 2000 && counts.conflicts > 2000, JSON.stringify(counts));
  });

  it('end up the same over one event as over its changes one after another', () => {
    const random = new Random(3);
    let good = 0;
    for (let i = 0; i < 2000; i += 1) {
      const text = randomText(random, 40);
      const edits = randomEdits(random, text.length, 4);
      const changes = randomEdits(random, text.length, 3);
      const atOnce = rebaseEdits(edits, changes);
      // From the last to the first, so that offsets stay what they are.
      let left: readonly (readonly [number, TextEdit])[] = edits.map((one, index) => [index, one]);
      for (const change of [...changes].reverse()) {
        left = rebaseEdits(
          left.map(([, one]) => one),
          change,
        ).good.map(({ index, edit: one }) => [left[index]?.[0] ?? -1, one]);
      }
      assert.deepEqual(
        left,
        atOnce.good.map(({ index, edit: one }) => [index, one]),
      );
      good += left.length;
    }
    assert.ok(good > 500);
  });
});
