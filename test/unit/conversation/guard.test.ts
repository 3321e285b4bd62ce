import * as assert from 'node:assert/strict';
import { Guard } from '../../../server/src/conversation/guard';
import { mark, plain, region, unmark, wellFormed } from '../../../server/src/conversation/marks';
import { scriptedControlTokens, ScriptedTokenizer } from '../../../server/src/engine/scriptedTokenizer';
import { Random } from '../../support/random';

const specials = [
  ...scriptedControlTokens.map((text, id) => ({ id, text, inAllText: false })),
  { id: 100, text: '    ', inAllText: true }, // of some vocabularies: no marker
  { id: 101, text: '<tag>', inAllText: true },
  { id: 102, text: '\u0003', inAllText: false }, // one character
];

/** Shows texts between control tokens, as templates do. */
function pieces(guard: Guard, ...texts: string[]): { text: string; parseSpecial: boolean }[] {
  const marked = texts.map((text) => `<|im_start|>${guard.mark(text)}<|im_end|>`).join('\n');
  return guard.pieces(unmark(marked));
}

describe('conversation: marks', () => {
  it('are taken out, and told', () => {
    const { text, marks, regions } = unmark(`a${mark}b${region(12, `c${mark}d`)}e${region(3, '')}${mark}`);
    assert.equal(text, 'abcde');
    assert.deepEqual(marks, [1, 3, 5]);
    assert.deepEqual(regions, [
      { number: 12, begin: 2, end: 4 },
      { number: 3, begin: 5, end: 5 },
    ]);
  });

  it('cannot be in a text that others wrote', () => {
    const texts = [mark, `\ud811\ud801x\ud802`, 'a\udc00b', '\ud83d', '\udc00\ud83d', '😀\ud800😀'];
    for (const text of texts) {
      assert.equal(plain(wellFormed(text)), wellFormed(text));
      assert.equal(wellFormed(text), Buffer.from(text).toString());
    }
    assert.equal(plain('😀𝔘'), '😀𝔘');
  });

  it('leave characters of two halves whole', () => {
    const guard = new Guard([{ id: 1, text: '😀x', inAllText: false }]);
    const marked = guard.mark('a😀x😀');
    assert.equal(plain(marked), 'a😀x😀');
    assert.deepEqual(
      guard.pieces(unmark(marked)).map(({ text }) => text),
      ['a😀', 'x😀'],
    );
  });
});

describe('conversation: the guard', function () {
  this.timeout(30_000);

  const guard = new Guard(specials, ['### Human:']);

  it('breaks what is not the template’s, and nothing else', () => {
    const cut = (text: string): string[] => pieces(guard, text).map((piece) => piece.text);
    assert.deepEqual(cut('a < b'), ['<|im_start|>a < b<|im_end|>']);
    assert.deepEqual(cut('<|im_end|>'), ['<|im_start|><', '|im_end|><|im_end|>']);
    assert.deepEqual(cut('x<tag>y'), ['<|im_start|>x<', 'tag>y<|im_end|>']);
    assert.deepEqual(cut('    four'), ['<|im_start|>    four<|im_end|>']);
    assert.deepEqual(cut('### Human: a'), ['<|im_start|>#', '## Human: a<|im_end|>']);
    assert.deepEqual(cut('</tool_call>'), ['<|im_start|><', '/tool_call><|im_end|>']);
    assert.deepEqual(cut(''), ['<|im_start|><|im_end|>']);
    assert.equal(pieces(guard, '<|im_start|>').at(-1)?.text, '|im_start|><|im_end|>');
  });

  it('encodes a token of one character as text, and leaves the template’s', () => {
    assert.deepEqual(pieces(guard, 'a\u0003b'), [
      { text: '<|im_start|>a', parseSpecial: true },
      { text: '\u0003', parseSpecial: false },
      { text: 'b<|im_end|>', parseSpecial: true },
    ]);
    const own = `${guard.mark('a')}\u0003${guard.mark('b')}`;
    assert.deepEqual(guard.pieces(unmark(own)), [{ text: 'a\u0003b', parseSpecial: true }]);
  });

  it('marks all texts and names of a definition, and no word of its schema', () => {
    const marked = guard.markJson({
      type: 'object',
      properties: { path: { type: '<tag>', enum: ['a', 1, null] } },
    });
    const text = JSON.stringify(marked);
    assert.deepEqual(JSON.parse(plain(JSON.stringify(marked).replaceAll(/\\ud8[01][0-9a-f]/g, ''))), {
      ...{ type: 'object', properties: { path: { type: '<tag>', enum: ['a', 1, null] } } },
    });
    assert.ok(text.includes('"properties"') && text.includes('"enum"') && !text.includes('"path"'));
  });

  it('lets nothing through, however it is put together', () => {
    const tokenizer = new ScriptedTokenizer();
    const parts = [
      ...scriptedControlTokens.flatMap((text) => [text, text.slice(0, 5), text.slice(5), text.slice(1)]),
      ...[
        '<',
        '>',
        '|',
        '<|',
        '|>',
        '/',
        ' ',
        '\n',
        'a',
        '',
        '<|im_',
        'start|>',
        'think',
        '\ud800',
        '\udc00',
        '😀',
      ],
    ];
    const random = new Random(11);
    let broken = 0;
    for (let round = 0; round < 3000; round += 1) {
      const some = (): string =>
        Array.from({ length: random.below(7) }, () => parts[random.below(parts.length)] ?? '').join('');
      // A template may join texts, and stand between them with halves of its own.
      const texts = [some(), some(), some()];
      const marked = `<|im_start|>${guard.mark(texts[0] ?? '')}<${guard.mark(texts[1] ?? '')}>${guard.mark(texts[2] ?? '')}<|im_end|>`;
      const unmarked = unmark(marked);
      const said = guard.pieces(unmarked);
      const ids = said.flatMap(({ text, parseSpecial }) => tokenizer.encode(text, parseSpecial));
      const controls = ids.filter((id) => tokenizer.isControl(id)).map((id) => tokenizer.text(id));
      assert.deepEqual(controls, ['<|im_start|>', '<|im_end|>'], JSON.stringify(texts));
      assert.equal(tokenizer.decode(ids), unmarked.text);
      broken += said.length > 1 ? 1 : 0;
      if (
        tokenizer.encode(unmarked.text, true).filter((id) => tokenizer.isControl(id)).length === 2 &&
        !guard.holds(texts.map(wellFormed).join('\n'))
      ) {
        assert.ok(said.length <= 2, 'what is harmless is one text');
      }
    }
    assert.ok(broken > 1000);
  });
});
