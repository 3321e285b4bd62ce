import * as assert from 'node:assert/strict';
import { applyEdits, isAmid, lineEndOf, linesOf, withoutEnd } from '#protocol';
import { answerLines, editorText, lineChanges, withOneLineEnd } from '#server/edit/core/index';
import { FileLines, type LineChange } from '#server/edit/core/fileLines';
import { Random } from '../../support/random';
import { pick } from './support';

const rewritten = (text: string, start: number, end: number, lines: readonly string[]): string =>
  applyEdits(text, lineChanges(text, { start, end }, lines).edits);

describe('lines written anew', () => {
  it('end as the lines around them', () => {
    assert.equal(rewritten('a\r\nb\r\nc\r\n', 1, 2, ['x', 'y']), 'a\r\nx\r\ny\r\nc\r\n');
    assert.equal(rewritten('a\rb\rc', 1, 2, ['x', 'y']), 'a\rx\ry\rc');
    assert.equal(rewritten('a\r\nb\nc\n', 1, 1, ['x']), 'a\r\nx\r\nb\nc\n');
    assert.equal(rewritten('a\nb\r\nc\n', 1, 2, ['x', 'y']), 'a\nx\r\ny\r\nc\n');
    assert.equal(rewritten('a\r\n', 0, 0, ['x']), 'x\r\na\r\n');
  });

  it('keep the end of the file as it was', () => {
    assert.equal(rewritten('a\nb', 0, 2, ['x', 'y', 'z']), 'x\ny\nz');
    assert.equal(rewritten('a\nb\n', 0, 3, ['x']), 'x\n');
    assert.equal(rewritten('a\nb', 1, 2, []), 'a');
    assert.equal(rewritten('a\nb', 0, 2, []), '');
    assert.equal(rewritten('a\nb\n', 1, 3, []), 'a\n');
    assert.equal(rewritten('a\nb', 2, 2, ['c']), 'a\nb\nc');
    assert.equal(rewritten('a\nb\n', 2, 3, ['c']), 'a\nb\nc\n');
    // A new file gets one.
    assert.equal(rewritten('', 0, 1, ['x']), 'x\n');
  });

  it('leave a byte order mark where it is', () => {
    assert.equal(rewritten('\ufeffa\nb\n', 0, 1, ['x']), '\ufeffx\nb\n');
    assert.equal(rewritten('\ufeffa\nb\n', 0, 2, ['\ufeffx']), '\ufeffx\n');
    assert.equal(rewritten('\ufeff', 0, 1, ['x']), '\ufeffx\n');
  });

  it('come with tabs where the file has tabs, and with spaces where it has spaces', () => {
    const tabs = 'a {\n\tb {\n\t\tc;\n\t}\n}\n';
    const spaces = tabs.replaceAll('\t', '    ');
    const added = ['  b {', '    /*', '     * d', '     */', '    d;', '  }'];
    assert.equal(rewritten(tabs, 1, 4, added), 'a {\n\tb {\n\t\t/*\n\t\t * d\n\t\t */\n\t\td;\n\t}\n}\n');
    assert.equal(rewritten(spaces, 1, 4, ['\tb {', '\t\td;', '\t}']), spaces.replace('c;', 'd;'));
    // Both have spaces, or somebody mixes: nothing is moved.
    assert.equal(rewritten(spaces, 1, 4, added), `a {\n${added.join('\n')}\n}\n`);
    assert.equal(rewritten(tabs, 1, 4, ['\tb {', '    d;', '\t}']), 'a {\n\tb {\n    d;\n\t}\n}\n');
  });

  it('leave alone what is the same', () => {
    const text = Array.from({ length: 50 }, (_, i) => `line ${String(i)}\n`).join('');
    const lines = answerLines(text).slice(10, 40).with(5, 'other').with(20, 'more');
    const { edits } = lineChanges(text, { start: 10, end: 40 }, lines);
    assert.equal(edits.length, 2);
    assert.ok(edits.every(({ start, end }) => end - start < 8));
  });

  it('are what was asked for, with every mixture of line ends, and no other line changes', () => {
    const random = new Random(12);
    const ends = ['\n', '\r\n', '\r'];
    for (let i = 0; i < 4000; i += 1) {
      const mixed = random.below(2) === 0;
      const one = pick(random, ends);
      let text = '';
      const lines: string[] = [];
      const count = random.below(8);
      for (let n = 0; n < count; n += 1) {
        const line = pick(random, ['', '', 'a', 'b\u2028c', ' \f', '\u{1F600}']);
        let end =
          n === count - 1 && random.below(2) === 0 && line !== '' ? '' : mixed ? pick(random, ends) : one;
        end = text.endsWith('\r') && line === '' && end === '\n' ? '\r\n' : end; // otherwise it is no line
        text += line + end;
        lines.push(line);
      }
      const file = new FileLines(text);
      assert.deepEqual(file.lines, lines);
      const changes: LineChange[] = [];
      const wanted: string[] = [];
      for (let at = 0; at <= lines.length;) {
        const length = Math.min(random.below(3), lines.length - at);
        const made = Array.from({ length: random.below(3) }, () => pick(random, ['', 'x', 'a', 'y y']));
        const isChange = random.below(2) === 0;
        if (isChange) {
          changes.push({ lines: { start: at, end: at + length }, becomes: made });
        }
        wanted.push(...(isChange ? made : lines.slice(at, at + length)));
        at += length;
        if (at === lines.length) {
          break;
        }
        wanted.push(lines[at] ?? '');
        at += 1;
      }
      const edits = file.edits(changes);
      const after = applyEdits(text, edits);
      const hadFinalEnd =
        text === '' ||
        lineEndOf(
          linesOf(text)
            .filter((line) => line !== '')
            .at(-1) ?? '',
        ) !== '';
      const shown = linesOf(after).map((line) => withoutEnd(line));
      const told = JSON.stringify([text, changes, after]);
      assert.deepEqual(shown, wanted.length === 0 ? [''] : [...wanted, ...(hadFinalEnd ? [''] : [])], told);
      assert.ok(
        edits.every(({ start, end }) => !isAmid(text, start) && !isAmid(text, end)),
        told,
      );
      if (!mixed && count > 0) {
        assert.ok(
          changes.length === 0 ||
            lines.length < 2 ||
            linesOf(after).every((line) => ['', one].includes(lineEndOf(line))),
          told,
        );
      }
    }
  });

  it('are refused where they were changed already', () => {
    const file = new FileLines('a\nb\nc\n');
    const change = (start: number, end: number): LineChange => ({ lines: { start, end }, becomes: [] });
    assert.throws(() => file.edits([change(0, 2), change(1, 3)]), RangeError);
    assert.throws(() => file.edits([change(0, 4)]), RangeError);
  });
});

describe('answers and files as lines', () => {
  it('reads an answer with any line ends', () => {
    assert.deepEqual(answerLines('a\r\nb\nc'), ['a', 'b', 'c']);
    assert.deepEqual(answerLines('a\n'), ['a']);
    assert.deepEqual(answerLines('a\n\n'), ['a', '']);
    assert.deepEqual(answerLines(''), []);
    assert.deepEqual(answerLines('\n'), ['']);
  });

  it('has a file’s line ends as VS Code has them', () => {
    assert.equal(withOneLineEnd('a\r\nb\nc\n'), 'a\nb\nc\n');
    assert.equal(withOneLineEnd('a\r\nb\r\nc\n'), 'a\r\nb\r\nc\r\n');
    assert.equal(withOneLineEnd('a\rb\r'), 'a\r\nb\r\n');
    assert.equal(withOneLineEnd('a\rb\n'), 'a\nb\n');
    assert.equal(withOneLineEnd('a\u2028b\f'), 'a\u2028b\f');
  });

  it('reads what VS Code would read the same by itself, and refuses the rest', () => {
    const bytes = (text: string, encoding: BufferEncoding = 'utf8') =>
      Uint8Array.from(Buffer.from(text, encoding));
    assert.deepEqual(editorText(bytes('\ufeffä\r\n')), { text: 'ä\r\n', problem: '' });
    assert.deepEqual(editorText(bytes('\ufeffä\n', 'utf16le')), { text: 'ä\n', problem: '' });
    const swapped = Uint8Array.from(Buffer.from('\ufeffä\n', 'utf16le').swap16());
    assert.deepEqual(editorText(swapped), { text: 'ä\n', problem: '' });
    assert.match(editorText(bytes('ä', 'latin1')).problem, /not encoded as UTF-8/);
    assert.match(editorText(bytes('a\0b')).problem, /binary/);
    assert.match(editorText(Uint8Array.of(0xff, 0xfe, 0x41)).problem, /not valid UTF-16/);
    assert.match(editorText(Uint8Array.of(0xff, 0xfe, 0x00, 0xd8, 0x41, 0x00)).problem, /not valid UTF-16/);
  });
});
