import * as assert from 'node:assert/strict';
import { splitThought, ThoughtSplitter, type SaidPart } from '../../../server/src/conversation';
import { Random } from '../../support/random';

function said(parts: readonly SaidPart[]): { thinking: string; text: string } {
  const of = (part: SaidPart['part']): string =>
    parts.flatMap((one) => (one.part === part ? [one.text] : [])).join('');
  return { thinking: of('thinking'), text: of('text') };
}

const cases: readonly (readonly [said: string, inThought: boolean, thinking: string, text: string])[] = [
  ['Hello', false, '', 'Hello'],
  ['\n Hello', false, '', '\n Hello'],
  ['', false, '', ''],
  ['<think>\nhm\n</think>\n\nYes.', false, 'hm', 'Yes.'],
  ['\n<think>hm</think>Yes.\n', false, 'hm', 'Yes.\n'],
  ['<think>\n\n</think>\n\nYes.', false, '', 'Yes.'],
  ['hm\n\nand so\n</think>\n\nYes.', true, 'hm\n\nand so', 'Yes.'],
  ['hm', true, 'hm', ''],
  ['hm </thi', true, 'hm </thi', ''],
  ['<think>hm', false, 'hm', ''],
  ['<thinking> is a tag', false, '', '<thinking> is a tag'],
  ['<thi', false, '', '<thi'],
  ['The tag <think> opens and </think> closes.', false, '', 'The tag <think> opens and </think> closes.'],
  ['<think>a</think>b <think>c</think>', false, 'a', 'b <think>c</think>'],
  ['a < b </ c </thin d</think>e', true, 'a < b </ c </thin d', 'e'],
];

describe('conversation: thoughts and text apart', () => {
  it('at once', () => {
    for (const [whole, inThought, thinking, text] of cases) {
      assert.deepEqual(splitThought(whole, inThought), { thinking, text }, whole);
    }
  });

  it('the same however the text is cut', () => {
    const random = new Random(5);
    for (const [whole, inThought, thinking, text] of cases) {
      for (let round = 0; round < 200; round += 1) {
        const splitter = new ThoughtSplitter(inThought);
        const parts: SaidPart[] = [];
        for (let at = 0; at < whole.length;) {
          const next = at + 1 + random.below(round < 10 ? 1 : 6);
          parts.push(...splitter.push(whole.slice(at, next)));
          at = next;
        }
        parts.push(...splitter.end());
        assert.deepEqual(said(parts), { thinking, text }, whole);
        assert.ok(parts.every((part) => part.text !== ''));
      }
    }
  });

  it('says at once what is certain', () => {
    const splitter = new ThoughtSplitter(true);
    assert.deepEqual(splitter.push('I think'), [{ part: 'thinking', text: 'I think' }]);
    assert.deepEqual(splitter.push(' so </'), [{ part: 'thinking', text: ' so' }]);
    assert.deepEqual(splitter.push('think>'), []);
    assert.deepEqual(splitter.push('\nYes'), [{ part: 'text', text: 'Yes' }]);
    assert.deepEqual(splitter.push('. </think>'), [{ part: 'text', text: '. </think>' }]);
    assert.deepEqual(splitter.end(), []);
  });
});
