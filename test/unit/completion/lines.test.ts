import * as assert from 'node:assert/strict';
import { cutAtEnd, cutWhenDone } from '../../../server/src/completion/lines';

describe('completion: where text ends', () => {
  it('ends after the number of lines', () => {
    assert.deepEqual(cutAtEnd('a\nb', { maxLines: 1 }), { text: 'a', ended: true });
    assert.deepEqual(cutAtEnd('a', { maxLines: 1 }), { text: 'a', ended: false });
    assert.deepEqual(cutAtEnd('a\nb\nc\nd', { maxLines: 3 }), { text: 'a\nb\nc', ended: true });
  });

  it('ends before a line that was written a moment ago', () => {
    assert.deepEqual(cutAtEnd('foo();\nbar();\nfoo();\n', { maxLines: 9 }), {
      text: 'foo();\nbar();',
      ended: true,
    });
  });

  it('lets closing brackets repeat', () => {
    const text = 'if (a) {\n  if (b) {\n    c();\n  }\n}\n';
    assert.deepEqual(cutAtEnd(text, { maxLines: 9 }), { text, ended: false });
  });

  it('ends at two empty lines', () => {
    assert.equal(cutAtEnd('a();\n\n\nb();\n', { maxLines: 9 }).ended, true);
    assert.equal(cutAtEnd('a();\n\nb();\n', { maxLines: 9 }).ended, false);
  });

  it('ends where a model goes in circles, and bears rulers and tables', () => {
    const text = `import { a${', type Inventory'.repeat(3)}`;
    assert.deepEqual(cutAtEnd(text, { maxLines: 1 }), { text: 'import { a, type Inventory', ended: true });
    assert.equal(cutAtEnd(text.slice(0, -1), { maxLines: 1 }).ended, false);
    assert.equal(
      cutWhenDone('class A extends BaseModelModelModel', { maxLines: 1 }),
      'class A extends BaseModel',
    );
    assert.equal(
      cutWhenDone(`ype Inventory${', type Inventory'.repeat(3)}, type In`, { maxLines: 1 }),
      'ype Inventory',
    );
    assert.equal(cutAtEnd(`// ${'='.repeat(40)}`, { maxLines: 1 }).ended, false);
    assert.equal(cutAtEnd('[0, 0, 0, 0, 0, 0]', { maxLines: 1 }).ended, false);
  });

  it('does not judge a line that is still being written', () => {
    assert.equal(cutAtEnd('foo();\nfoo();', { maxLines: 9 }).ended, false);
    assert.equal(cutWhenDone('foo();\nfoo();', { maxLines: 9 }), 'foo();');
  });

  it('removes white space at the end', () => {
    assert.equal(cutWhenDone('a  \n\n', { maxLines: 3 }), 'a');
    assert.equal(cutWhenDone('  ', { maxLines: 3 }), '');
  });
});
