import * as assert from 'node:assert/strict';
import { answerPlace, cursorText, readAnswer, type StrategyKind } from '../../../server/src/prompt';

/** What is read of an answer at the '|' of a text. */
function read(kind: StrategyKind, marked: string, written: string, complete = true): [string, boolean] {
  const offset = marked.indexOf('|');
  const place = answerPlace(cursorText(marked.replace('|', ''), offset));
  const { text, ended } = readAnswer(kind, written, place, complete);
  return [text, ended];
}

describe('prompt: reading answers', () => {
  const file = 'function f() {\n  const x = |\n  return x;\n}\n';

  it('leaves fill-in-the-middle answers as they are', () => {
    for (const kind of ['suffixFirst', 'prefixFirst'] as const) {
      assert.deepEqual(read(kind, file, '1;\n  return x;'), ['1;\n  return x;', false]);
      assert.deepEqual(read(kind, file, '```'), ['```', false]);
    }
  });

  it('stops where the answer has come to what the file goes on with', () => {
    for (const kind of ['prefixOnly', 'chat'] as const) {
      assert.deepEqual(read(kind, file, '1;\n  g(x);\n  return x;\n}', false), ['1;\n  g(x);', true]);
      assert.deepEqual(
        read(kind, file, '1;\n  return x;', false),
        ['1;\n  return x;', false],
        'not yet sure',
      );
      assert.deepEqual(read(kind, file, '1;\n  return x;', true), ['1;', true]);
      assert.deepEqual(read(kind, file, '1;\n    return x;\n}', true), ['1;\n    return x;\n}', false]);
    }
    const blank = 'a\n|\n\n\nend\n';
    assert.deepEqual(read('prefixOnly', blank, 'b\nend\nc'), ['b', true]);
    assert.deepEqual(read('prefixOnly', 'a\r\n|\r\nend\r\n', 'b\nend\nc'), ['b', true]);
  });

  it('does not stop at the next line where text follows in the cursor’s own', () => {
    assert.deepEqual(read('prefixOnly', 'f(| + 1);\nend', 'x\nend\n'), ['x\nend\n', false]);
    assert.deepEqual(read('prefixOnly', 'f(|)\nend', 'x\nend\n'), ['x', true], 'brackets are no text');
  });

  it('takes a chat answer out of its wrapping', () => {
    assert.deepEqual(read('chat', file, '1;\n```\nThat is all.'), ['1;', true]);
    assert.deepEqual(read('chat', file, '```'), ['', true]);
    assert.deepEqual(read('chat', file, '```ts\n1;\n```'), ['1;', true]);
    assert.deepEqual(read('chat', file, '<think>\nhm\n</think>\n\n1;'), ['1;', false]);
    assert.deepEqual(read('chat', file, '<think>\nhm, perhaps 1;'), ['', false]);
  });

  it('drops the line that a chat model says again', () => {
    assert.deepEqual(read('chat', file, '  const x = 1;\n```'), ['1;', true]);
    assert.deepEqual(read('chat', file, 'const x = 1;'), ['1;', false]);
    assert.deepEqual(read('chat', 'foo(|\n', 'foo(1))'), ['foo(1))', false], 'too short to be sure');
    assert.deepEqual(read('prefixOnly', file, 'const x = 1;'), ['const x = 1;', false]);
  });

  it('looks at the beginning of what follows only', () => {
    const place = answerPlace(cursorText(`${'\n'.repeat(3)}x\n${'y\n'.repeat(200_000)}`, 0));
    assert.deepEqual(place, { line: '', next: 'x' });
    assert.equal(answerPlace(cursorText('a\n  \n', 1)).next, undefined);
  });
});
