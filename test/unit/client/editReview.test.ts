import * as assert from 'node:assert/strict';
import { applyEdits, minimalEdits, type TextEdits } from '#protocol';
import { addedProblems, withoutRepeats } from '../../../client/src/features/edit/problems';
import {
  carried,
  carriedLines,
  editsOf,
  openParts,
  shownLineOf,
  shownLinesOf,
  shownOf,
  startReview,
  without,
  type Review,
} from '../../../client/src/features/edit/review';
import { taskFits } from '../../../client/src/features/edit/tasks';
import { processorMs } from '../../support/processorTime';
import { Random } from '../../support/random';

const before = 'one\ntwo\nthree\nfour\nfive\nsix\n';
const after = 'one\nzwei\nthree\nfour\nfive\nsechs\nsieben\n';
const review = (): Review => startReview(before, minimalEdits(before, after));
const ids = (of: Review): number[] => openParts(of).map(({ id }) => id);

/** Typing: `text` in the place of what is there. */
function typed(of: Review, start: number, end: number, text: string): Review {
  const change: TextEdits = [{ start, end, text }];
  return carried(of, applyEdits(of.text, change), change);
}

describe('client: a change that is looked at', () => {
  it('is shown with the old lines and the new ones', () => {
    const shown = shownOf(review());
    assert.equal(shown.text, 'one\ntwo\nzwei\nthree\nfour\nfive\nsix\nsechs\nsieben\n');
    assert.deepEqual(
      shown.lines.map(({ kind }) => kind).join(' '),
      'same removed added same same same removed added added same',
    );
    assert.deepEqual(shownLinesOf(shown, 0), { start: 1, end: 3 });
    assert.deepEqual(shownLinesOf(shown, 1), { start: 6, end: 9 });
    assert.equal(shownLinesOf(shown, 7), undefined);
    assert.equal(shownLineOf(shown, 2), 3, 'line 2 of the text stands behind the first part');
  });

  it('is the text itself where nothing is to come', () => {
    assert.equal(shownOf(startReview(before, [])).text, before);
    assert.equal(shownOf(startReview('', [])).text, '');
    assert.equal(shownOf({ text: 'a\r\nb', parts: [] }).text, 'a\nb', 'line ends are the view’s');
  });

  it('gives what was accepted, whatever the order', () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      let at = review();
      for (const id of order) {
        const edits = editsOf(at, [id]);
        at = carried(without(at, [id]), applyEdits(at.text, edits), edits);
      }
      assert.equal(at.text, after);
      assert.deepEqual(at.parts, []);
    }
  });

  it('is of the lines that were meant, wherever they have gone before it began', () => {
    const lines = { start: 2, end: 4 };
    assert.deepEqual(carriedLines(before, before, lines), lines);
    assert.deepEqual(carriedLines(before, `zero\n${before}`, lines), { start: 3, end: 5 });
    assert.deepEqual(carriedLines(before, before.replace('one\n', ''), lines), { start: 1, end: 3 });
    assert.deepEqual(carriedLines(before, before.replace('four', 'four\nand a half'), lines), {
      ...{ start: 2, end: 5 },
    });
    assert.deepEqual(carriedLines(before, '', lines), { start: 0, end: 1 });
  });

  it('follows what is typed elsewhere', () => {
    const moved = typed(review(), 0, 0, '// a line\n');
    assert.deepEqual(ids(moved), [0, 1]);
    assert.equal(applyEdits(moved.text, editsOf(moved, [0, 1])), `// a line\n${after}`);
  });

  it('gives a part up that was typed in, shows it where it was, and keeps the other', () => {
    const at = before.indexOf('two');
    const lost = typed(review(), at + 1, at + 2, 'W');
    assert.deepEqual(ids(lost), [1]);
    const shown = shownOf(lost);
    assert.equal(shown.lines.filter(({ kind }) => kind === 'lost').length, 1);
    assert.ok(shown.text.includes('zwei'), 'what would have come is still to be seen');
    assert.equal(
      applyEdits(lost.text, editsOf(lost, [0, 1])),
      before.replace('two', 'tWo').replace('six\n', 'sechs\nsieben\n'),
    );
    const further = typed(lost, 0, 0, 'x\n');
    assert.equal(further.parts.length, 2, 'and goes on being carried');
  });

  it('is carried over many changes as over one after another, and takes no time', () => {
    const random = new Random(7);
    const large = Array.from(
      { length: 4_000 },
      (_, line) => `const value${String(line)} = ${String(line)};\n`,
    ).join('');
    const start = startReview(large, minimalEdits(large, large.replaceAll(/value(\d*7) =/g, 'other$1 =')));
    const changes: TextEdits[] = [];
    let text = large;
    for (let key = 0; key < 500; key += 1) {
      const at = random.below(text.length);
      changes.push([
        { start: at, end: Math.min(text.length, at + random.below(3)), text: 'x'.repeat(random.below(3)) },
      ]);
      text = applyEdits(text, changes.at(-1) ?? []);
    }
    let together = start;
    const took = processorMs(() => {
      together = carried(start, text, ...changes);
    });
    assert.ok(took < 1_500, `${took.toFixed(0)} ms`);
    let each = start;
    for (const change of changes.slice(0, 60)) {
      each = carried(each, applyEdits(each.text, change), change);
    }
    assert.deepEqual(each, carried(start, each.text, ...changes.slice(0, 60)));
    assert.ok(ids(together).length > 50 && ids(together).length < 400);
  });

  it('never loses a line of the text, whatever is typed', () => {
    const numbers = new Random(7);
    const random = (limit: number): number => numbers.below(limit);
    for (let round = 0; round < 300; round += 1) {
      let at = review();
      for (let step = 0; step < 4; step += 1) {
        const start = random(at.text.length + 1);
        const end = Math.min(at.text.length, start + random(6));
        at = typed(at, start, end, ['', 'x', '\n', 'two\nlines\n'][random(4)] ?? '');
        const shown = shownOf(at);
        const kept = shown.text
          .split('\n')
          .filter((_, i) => ['same', 'removed'].includes(shown.lines[i]?.kind ?? ''));
        assert.equal(kept.join('\n'), at.text);
        assert.equal(shown.lines.length, shown.text.split('\n').length);
        applyEdits(at.text, editsOf(at, ids(at))); // throws where they are none of it
      }
    }
  });
});

describe('client: errors that a change adds', () => {
  const error = (
    line: number,
    message: string,
    code = '1',
  ): { line: number; message: string; code: string } => ({
    line,
    message,
    code,
  });

  it('are those that are said more often than before, wherever they stand', () => {
    assert.deepEqual(addedProblems([error(1, 'a')], [error(5, 'a')]), []);
    assert.deepEqual(addedProblems([error(1, 'a')], [error(5, 'a'), error(7, 'a')]), [error(7, 'a')]);
    assert.deepEqual(addedProblems([error(1, 'a'), error(2, 'a')], [error(5, 'b')]), [error(5, 'b')]);
    assert.deepEqual(addedProblems([error(1, 'a')], [error(1, 'a', '2')]), [error(1, 'a', '2')]);
  });

  it('are said once where two say them', () => {
    assert.deepEqual(withoutRepeats([error(1, 'a'), error(1, 'a', ''), error(2, 'a')]), [
      error(1, 'a'),
      error(2, 'a'),
    ]);
  });
});

describe('client: which code actions are offered', () => {
  it('takes no time, whatever is selected', () => {
    const texts = [
      '\n'.repeat(50_000),
      '(err '.repeat(50_000),
      `(${' '.repeat(200_000)}`,
      'class '.repeat(50_000),
    ];
    const took = processorMs(() => {
      for (const text of texts) {
        for (const task of ['toAsync', 'toFunctions', 'addTypes', 'simplify'] as const) {
          taskFits(task, 'typescript', text, true);
        }
      }
    });
    assert.ok(took < 1_000, `${took.toFixed(0)} ms`);
    assert.ok(taskFits('toAsync', 'typescript', 'read(path, (error, data) => data)', true));
    assert.ok(taskFits('toFunctions', 'typescript', '\n\n  export default class A {}', true));
  });

  const offered = (languageId: string, text: string, isSelected = false): string =>
    (['simplify', 'extract', 'toAsync', 'toFunctions', 'addTypes', 'document', 'tests'] as const)
      .filter((task) => taskFits(task, languageId, text, isSelected))
      .join(' ');

  it('fits the language and the text', () => {
    assert.equal(offered('typescript', 'function a() {}'), 'simplify addTypes document tests');
    assert.equal(
      offered('typescript', 'a().then((b) => c(b));', true),
      'simplify extract toAsync addTypes document tests',
    );
    assert.equal(
      offered('python', 'class A:\n    def b(self):\n        pass'),
      'simplify toFunctions addTypes document tests',
    );
    assert.equal(offered('go', 'func a() {}'), 'simplify document tests');
    assert.equal(offered('markdown', 'A class of functions (void).', true), '');
    assert.equal(offered('typescript', 'const a = 1;'), '');
  });
});
