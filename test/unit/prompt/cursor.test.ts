import * as assert from 'node:assert/strict';
import { cursorText, normalizeLineBreaks, suffixLength } from '../../../server/src/prompt';

function suffixAt(marked: string): string {
  const offset = marked.indexOf('|');
  const text = marked.replace('|', '');
  return text.slice(text.length - suffixLength(cursorText(text, offset)));
}

describe('prompt: around the cursor', () => {
  it('cuts at the cursor and at the end of its line', () => {
    assert.deepEqual(cursorText('ab\r\ncd ef\r\ngh', 6), {
      before: 'ab\r\ncd',
      restOfLine: ' ef',
      nextLines: '\r\ngh',
    });
    assert.deepEqual(cursorText('ab', 2), { before: 'ab', restOfLine: '', nextLines: '' });
    assert.deepEqual(cursorText('', 0), { before: '', restOfLine: '', nextLines: '' });
  });

  it('begins the suffix at the cursor when text follows, behind closing brackets that the editor typed', () => {
    assert.equal(suffixAt('foo(|bar);\nnext'), 'bar);\nnext');
    assert.equal(suffixAt('foo(|);\nnext'), '\nnext');
    assert.equal(suffixAt('foo("|")\nnext'), '\nnext');
    assert.equal(suffixAt('foo|\nnext'), '\nnext');
    assert.equal(suffixAt('foo|'), '');
  });

  it('knows one kind of line break', () => {
    assert.equal(normalizeLineBreaks('a\r\nb\rc\nd'), 'a\nb\nc\nd');
  });
});
