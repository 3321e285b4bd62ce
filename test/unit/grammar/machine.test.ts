import * as assert from 'node:assert/strict';
import { follows, shortestClosing } from '../../../server/src/grammar/closing';
import { GrammarError, type Expression, type Grammar } from '../../../server/src/grammar/grammar';
import { dead, Machine } from '../../../server/src/grammar/machine';
import { normalRanges, utf8Sequences } from '../../../server/src/grammar/utf8';
import { Random } from '../../support/random';
import { followsByTrying, randomGrammar, sample } from './support';

const grammars = Array.from({ length: 150 }, (_, seed) => randomGrammar(new Random(seed + 1)));
const rootOf = ({ root, rules }: Grammar): Expression => rules[root] as Expression;
const only = (expression: Expression): Grammar => ({ root: 'root', rules: { root: expression } });

/** A text of the grammar, and that text with a few characters dropped, doubled or replaced. */
function* variants(grammar: Grammar, random: Random): Iterable<string> {
  const text = Array.from(sample(rootOf(grammar), grammar, random)).slice(0, 40);
  yield text.join('');
  for (let i = 0; i < 4; i += 1) {
    const at = random.below(text.length + 1);
    const put = ['', 'a', '"', 'é', '\n', '<x>', text[at] ?? ''][random.below(7)] ?? '';
    yield [...text.slice(0, at), put, ...text.slice(at + random.below(2))].join('');
  }
}

describe('grammar: the machine', function () {
  this.timeout(20_000);
  it('accepts what a reader accepts that tries everything, and nothing else', () => {
    const seen = { right: 0, wrong: 0 };
    grammars.forEach((grammar, i) => {
      const random = new Random(1000 + i);
      for (let round = 0; round < 4; round += 1) {
        for (const text of variants(grammar, random)) {
          const wanted = followsByTrying(grammar, text);
          assert.equal(
            follows(grammar, text),
            wanted,
            `${JSON.stringify(text)} by ${JSON.stringify(grammar)}`,
          );
          seen[wanted ? 'right' : 'wrong'] += 1;
        }
      }
    });
    assert.ok(seen.right > 500 && seen.wrong > 250, JSON.stringify(seen));
  });

  it('completes every beginning, as shortly as it can', () => {
    grammars.forEach((grammar, i) => {
      const random = new Random(2000 + i);
      const characters = Array.from(sample(rootOf(grammar), grammar, random)).slice(0, 60);
      const text = characters.join('');
      const whole = followsByTrying(grammar, text);
      for (let length = 0; length <= characters.length; length += 1) {
        const said = characters.slice(0, length).join('');
        const closing = shortestClosing(grammar, said);
        assert.ok(closing !== undefined, `${JSON.stringify(said)} by ${JSON.stringify(grammar)}`);
        assert.ok(
          followsByTrying(grammar, said + closing),
          `${JSON.stringify(said + closing)} by ${JSON.stringify(grammar)}`,
        );
        if (whole) {
          assert.ok(Buffer.byteLength(closing) <= Buffer.byteLength(text.slice(said.length)));
        }
        assert.equal(closing === '', followsByTrying(grammar, said));
      }
    });
  });

  it('has no closing for what nothing completes', () => {
    const grammar = only({ kind: 'text', text: 'abc' });
    assert.equal(shortestClosing(grammar, 'ab'), 'c');
    assert.equal(shortestClosing(grammar, 'abc'), '');
    assert.equal(shortestClosing(grammar, 'abcd'), undefined);
    assert.equal(shortestClosing(grammar, 'b'), undefined);
  });

  it('knows what must come next', () => {
    const machine = new Machine(
      only({
        kind: 'sequence',
        of: [
          { kind: 'text', text: 'é"' },
          { kind: 'character', ranges: [[0x61, 0x62]] },
        ],
      }),
    );
    const bytes: number[] = [];
    let state = machine.start;
    for (let byte = machine.onlyByte(state); byte !== undefined; byte = machine.onlyByte(state)) {
      bytes.push(byte);
      state = machine.step(state, byte);
    }
    assert.equal(Buffer.from(bytes).toString(), 'é"');
    assert.equal(machine.onlyByte(machine.read(Buffer.from('é"a'))), undefined);
  });

  it('reads UTF-8 and no other bytes', () => {
    const any = new Machine(only({ kind: 'character', ranges: [[0, 0x10ffff]] }));
    for (const bytes of [
      [0xc0, 0x80],
      [0xe0, 0x80, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0x80],
      [0xff],
    ]) {
      assert.equal(any.read(bytes), dead, String(bytes));
    }
  });

  it('knows characters from each other by their bytes', () => {
    const random = new Random(5);
    const points = [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff];
    const point = (): number => points[random.below(points.length)] as number;
    for (let i = 0; i < 200; i += 1) {
      const ranges = Array.from({ length: 1 + random.below(3) }, () => {
        const [a, b] = [
          Math.min(point() + random.below(3), 0x10ffff),
          Math.min(point() + random.below(70), 0x10ffff),
        ];
        return [Math.min(a, b), Math.max(a, b)] as const;
      });
      const except = random.below(2) === 0;
      const sequences = normalRanges(ranges, except).flatMap(([from, to]) => utf8Sequences(from, to));
      for (let k = 0; k < 60; k += 1) {
        const candidate = Math.max(0, Math.min(0x10ffff, point() + random.below(200) - 100));
        if (candidate >= 0xd800 && candidate <= 0xdfff) {
          continue;
        }
        const bytes = [...Buffer.from(String.fromCodePoint(candidate))];
        const isIn = ranges.some(([from, to]) => candidate >= from && candidate <= to) !== except;
        const matching = sequences.filter(
          (sequence) =>
            sequence.length === bytes.length &&
            sequence.every(([low, high], at) => (bytes[at] ?? -1) >= low && (bytes[at] ?? -1) <= high),
        );
        assert.equal(
          matching.length,
          isIn ? 1 : 0,
          `${candidate.toString(16)} in ${JSON.stringify(ranges)} ${String(except)}`,
        );
      }
    }
  });

  it('refuses what cannot be followed, and says why', () => {
    const refused = (grammar: Grammar): string => {
      try {
        new Machine(grammar);
      } catch (error) {
        assert.ok(error instanceof GrammarError);
        return error.message;
      }
      return '';
    };
    const a: Expression = { kind: 'text', text: 'a' };
    const self: Expression = { kind: 'rule', name: 'root' };
    assert.match(
      refused(only({ kind: 'choice', of: [a, { kind: 'sequence', of: [self, a] }] })),
      /left recursion/,
    );
    assert.match(
      refused(only({ kind: 'sequence', of: [{ kind: 'repeat', of: a, least: 0, most: 1 }, self] })),
      /left recursion|never comes to an end/,
    );
    assert.match(refused(only({ kind: 'sequence', of: [a, self] })), /never comes to an end/);
    assert.match(refused(only({ kind: 'rule', name: 'nobody' })), /no rule "nobody"/);
    assert.match(refused(only({ kind: 'repeat', of: a, least: 3, most: 2 })), /3 to 2/);
    assert.match(refused(only({ kind: 'free', tags: [{ begin: '', then: a }] })), /begins with nothing/);
    assert.match(
      refused(
        only({
          kind: 'free',
          tags: [
            { begin: 'ab', then: a },
            { begin: 'xabx', then: a },
          ],
        }),
      ),
      /cannot be told/,
    );
    assert.match(refused(only({ kind: 'lines', of: '' })), /empty/);
    assert.equal(refused(only({ kind: 'choice', of: [a, { kind: 'sequence', of: [a, self] }] })), '');
  });
});
