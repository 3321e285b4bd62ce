import { strict as assert } from 'node:assert';
import { follows, shortestClosing } from '#server/grammar/closing';
import { text, type Expression, type Grammar } from '#server/grammar/grammar';
import { hasPlaces } from '#server/grammar/lines';
import { dead } from '#server/grammar/machine';
import { Masks } from '#server/grammar/masks';
import { Random } from '../../support/random';
import { runsOf, smallVocabulary } from './support';

const only = (expression: Expression): Grammar => ({ root: 'root', rules: { root: expression } });
const file = ['a {', '  x();', '}', 'b {', '  x();', '}', '', 'c', ''].join('\n');
const pieces = (of: string, most?: number): Grammar =>
  only({
    kind: 'pieces',
    ...{ of, begin: text('<'), then: text('>') },
    ...(most === undefined ? {} : { most }),
  });

describe('grammar: lines that name one place', () => {
  it('end where they do, not before, and anywhere behind that', () => {
    const unique = only({ kind: 'lines', of: file, unique: true });
    const may = (said: string): boolean => follows(unique, said);
    assert.deepEqual(['a {', 'b {', 'c', 'a {\n  x();', 'a {\n  x();\n}\nb {'].map(may), Array(5).fill(true));
    assert.deepEqual(['  x();', '}', '  x();\n}', '', 'a', 'a {\n'].map(may), Array(6).fill(false));
    assert.ok(may('  x();\n}\nb {') && may('}\nb {') && may('}\n') && may('  x();\n}\n\nc'));
    assert.equal(shortestClosing(unique, '  x();\n}'), '\n', 'an empty line follows the second one alone');
    assert.equal(shortestClosing(unique, '}\nb'), ' {');
  });

  it('are not begun where they never would, or not within so many lines', () => {
    const unique = only({ kind: 'lines', of: 'x\ny\nz\nx\ny', unique: true });
    assert.deepEqual(
      ['z', 'x\ny\nz', 'y\nz', 'z\nx\ny'].map((said) => follows(unique, said)),
      Array(4).fill(true),
    );
    assert.ok(!follows(unique, 'x\ny'));
    const short = only({ kind: 'lines', of: 'x\ny\nz\nx\ny', unique: true, most: 2 });
    assert.equal(shortestClosing(short, 'x'), undefined);
    assert.equal(shortestClosing(short, 'y'), '\nz');
    assert.throws(
      () => follows(only({ kind: 'lines', of: 'x\nx\n', unique: true, most: 1 }), 'x'),
      /one place/,
    );
    assert.deepEqual(
      ['x\nx\nx', '\n\n', '', 'x\nx\ny'].map((of) => hasPlaces(of, 2)),
      [false, false, false, true],
    );
    assert.ok(hasPlaces('x\nx\nx', 3), 'all of it stands at one place');
  });

  it('follow one another in the order of the text, and apart', () => {
    const grammar = pieces(file);
    const may = (said: string): boolean => follows(grammar, said);
    assert.ok(may('') && may('<a {><b {><c>') && may('<a {\n  x();\n}><b {\n  x();>'));
    assert.ok(!may('<b {><a {>') && !may('<c><c>') && !may('<a {\n  x();\n}\nb {><b {>') && !may('<a {'));
    assert.ok(follows(pieces('x\nx\n', 1), '') && !follows(pieces('x\nx\n', 1), '<x>'), 'none names a place');
  });

  it('end in time, whatever is said', () => {
    const vocabulary = smallVocabulary();
    const kinds = ['ab', 'abc', '{', '}', '', '  a', 'cab"'];
    for (let seed = 0; seed < 60; seed += 1) {
      const random = new Random(seed);
      const of = Array.from({ length: 12 }, () => kinds[random.below(kinds.length)] ?? '').join('\n');
      const most = 2 + random.below(10);
      const masks = new Masks(pieces(of, most), vocabulary);
      const runs = new Set(runsOf(of, most, true).map(({ said }) => said));
      for (const budget of [0, 1, 3, 4, 7, 12, 30, 90]) {
        let state = masks.machine.start;
        let said = '';
        for (let left = budget; left > 0; left -= 1) {
          const { words, mayEnd } = masks.mask(state, left);
          const allowed = Array.from({ length: vocabulary.size }, (_, id) => id).filter(
            (id) => ((words[id >> 5] ?? 0) & (1 << (id & 31))) !== 0,
          );
          if (allowed.length === 0 || (mayEnd && random.below(8) === 0)) {
            break;
          }
          const token = allowed[random.below(allowed.length)] ?? 0;
          state = masks.accept(state, token);
          said += Buffer.from(vocabulary.bytesOf(token)).toString('latin1');
          assert.notEqual(state, dead);
        }
        assert.ok(masks.machine.accepts(state), `${JSON.stringify(said)} of ${JSON.stringify(of)}`);
        for (const [, run = ''] of said.matchAll(/<([^<>]*)>/g)) {
          assert.ok(runs.has(run), `${JSON.stringify(run)} of ${JSON.stringify(of)}`);
        }
      }
    }
  });

  it('are prepared quickly in long texts, of lines that are all alike too', () => {
    const long = Array.from(
      { length: 3000 },
      (_, i) => `  const value${String(i % 700)} = ${String(i)};`,
    ).join('\n');
    for (const of of [long, 'same line of text\n'.repeat(3000), `${long}\n${long}`]) {
      const start = performance.now();
      follows(pieces(of, 40), '<');
      assert.ok(performance.now() - start < 3_000, String(performance.now() - start));
    }
  });
});
