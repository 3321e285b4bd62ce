import * as assert from 'node:assert/strict';
import { Guide, type GuideStep } from '../../../server/src/grammar/guide';
import { dead } from '../../../server/src/grammar/machine';
import { Masks } from '../../../server/src/grammar/masks';
import { Random } from '../../support/random';
import { followsByTrying, randomGrammar, smallVocabulary } from './support';

const vocabulary = smallVocabulary();
const grammars = Array.from({ length: 120 }, (_, seed) => randomGrammar(new Random(seed + 501)));
const has = (words: Int32Array, id: number): boolean => ((words[id >> 5] ?? 0) & (1 << (id & 31))) !== 0;
const textOf = (tokens: readonly number[]): string =>
  Buffer.concat(tokens.map((id) => Buffer.from(vocabulary.bytesOf(id)))).toString();

/** Says tokens at random, as a model that wants nothing in particular, until the text ends or there are `tokens`. */
function ramble(guide: Guide, tokens: number, random: Random, drafts = false): number[] {
  const said: number[] = [];
  let step: GuideStep | undefined = guide.begin(tokens);
  assert.ok(step !== undefined);
  for (;;) {
    said.push(...step.forced);
    const news: number[] = [];
    let draft: readonly number[] = [];
    const [mask] = step.masks;
    if (mask === undefined || said.length >= tokens) {
      return said;
    }
    const may = Array.from({ length: vocabulary.size }, (_, id) => id).filter((id) => has(mask.words, id));
    if (may.length === 0 || (mask.mayEnd && random.below(8) === 0)) {
      assert.ok(mask.mayEnd, `nothing may follow ${JSON.stringify(textOf(said))}`);
      return said;
    }
    news.push(may[random.below(may.length)] as number);
    said.push(...news);
    if (drafts) {
      draft = Array.from({ length: random.below(4) }, () => random.below(vocabulary.size));
    }
    step = guide.tell(news, draft);
    assert.ok(step.forced.length > 0 || step.masks.length <= draft.length + 1);
  }
}

describe('grammar: masks', function () {
  this.timeout(20_000);
  it('allow exactly the tokens behind which the text can still be completed in time', () => {
    grammars.slice(0, 25).forEach((grammar, i) => {
      const random = new Random(i);
      const kept = new Masks(grammar, vocabulary);
      for (let round = 0; round < 4; round += 1) {
        let left = kept.least + random.below(12);
        let state = kept.machine.start;
        while (left > 0) {
          const { words, mayEnd } = kept.mask(state, left);
          assert.equal(mayEnd, kept.machine.accepts(state));
          const may: number[] = [];
          for (let id = 0; id < vocabulary.size; id += 1) {
            const next = vocabulary.isControl(id) ? dead : kept.machine.read(vocabulary.bytesOf(id), state);
            const wanted = next !== dead && kept.machine.cost(next) < left;
            assert.equal(has(words, id), wanted, `token ${String(id)} of ${JSON.stringify(grammar)}`);
            if (wanted) {
              may.push(id);
            }
          }
          if (may.length === 0) {
            assert.ok(mayEnd);
            break;
          }
          state = kept.accept(state, may[random.below(may.length)] as number);
          left -= 1;
        }
      }
    });
  });

  it('lead every text to its end, whatever is said and however little may be', () => {
    grammars.forEach((grammar, i) => {
      const masks = new Masks(grammar, vocabulary);
      for (const jump of [false, true]) {
        const tokenize = (text: string): number[] => [...Buffer.from(text)]; // as many tokens as there can be
        const guide = new Guide(masks, { tokenize, jump });
        for (let round = 0; round < 6; round += 1) {
          const budget = masks.least + ([0, 0, 1, 5, 20, 60][round] ?? 0);
          const said = ramble(guide, budget, new Random(100 * i + round), round % 2 === 1);
          assert.ok(said.length <= budget);
          assert.ok(
            followsByTrying(grammar, textOf(said)),
            `${JSON.stringify(textOf(said))} by ${JSON.stringify(grammar)}`,
          );
        }
      }
    });
  });

  it('begin with nothing where not even the shortest text fits', () => {
    for (const grammar of grammars) {
      const masks = new Masks(grammar, vocabulary);
      const guide = new Guide(masks, { tokenize: () => [], jump: true });
      assert.equal(guide.begin(masks.least - 1), undefined);
      assert.ok(guide.begin(masks.least) !== undefined);
      assert.equal(guide.least, masks.least);
    }
  });

  it('say for a draft what was said for its tokens one by one', () => {
    for (const grammar of grammars.slice(0, 60)) {
      const masks = new Masks(grammar, vocabulary);
      const options = { tokenize: () => [], jump: false };
      const [one, other] = [new Guide(masks, options), new Guide(masks, options)];
      const random = new Random(7);
      const budget = masks.least + 10;
      const said = ramble(new Guide(masks, options), budget, random);
      if (said.length < 3) {
        continue;
      }
      one.begin(budget);
      other.begin(budget);
      const drafted = one.tell(said.slice(0, 1), said.slice(1, 3)).masks;
      const singly = [said.slice(0, 1), said.slice(1, 2), said.slice(2, 3)].flatMap((tokens) =>
        other.tell(tokens, []).masks.slice(0, 1),
      );
      assert.deepEqual(drafted.slice(0, singly.length), singly.slice(0, drafted.length));
      assert.ok(drafted.length >= 2);
    }
  });

  it('force what must come, but for its last token, which may reach further', () => {
    const tokenize = (text: string): number[] =>
      Array.from(text.matchAll(/ab|./g), ([part]) => (part === 'ab' ? 256 : part.charCodeAt(0)));
    const guide = new Guide(
      new Masks(
        {
          root: 'root',
          rules: {
            root: {
              kind: 'sequence',
              of: [
                { kind: 'text', text: 'xabaa' },
                { kind: 'character', ranges: [[0x61, 0x63]] },
                { kind: 'text', text: 'zab' },
              ],
            },
          },
        },
        vocabulary,
      ),
      { tokenize, jump: true },
    );
    const first = guide.begin(50);
    assert.deepEqual(first?.forced, [120, 256, 97]);
    assert.deepEqual(
      ['a', 'aaaa', 'ab', 'b'].map((text) =>
        has(
          first.masks[0]?.words ?? new Int32Array(),
          text.length > 1 ? (text === 'ab' ? 256 : 268) : text.charCodeAt(0),
        ),
      ),
      [true, false, true, false],
    );
    assert.deepEqual(guide.tell([97, 98], []), {
      forced: [122, 256],
      masks: [{ words: new Int32Array((vocabulary.size + 31) >> 5), mayEnd: true }],
    });
  });

  it('never allow a token that is no text, nor go on behind one that was not allowed', () => {
    const guide = new Guide(new Masks({ root: 'r', rules: { r: { kind: 'free', tags: [] } } }, vocabulary), {
      tokenize: () => [],
      jump: true,
    });
    const words = guide.begin(5)?.masks[0]?.words ?? new Int32Array();
    assert.ok(has(words, 97));
    assert.ok(!has(words, vocabulary.size - 1));
    assert.throws(() => guide.tell([vocabulary.size - 1], []), /not allowed/);
  });
});
