import * as assert from 'node:assert/strict';
import { fitToCursor } from '../../../server/src/completion/fit';
import { cursorText } from '../../../server/src/prompt';

/** What the document looks like after the suggestion was accepted at '|'; undefined when there is none. */
function accept(marked: string, generated: string): string | undefined {
  const offset = marked.indexOf('|');
  const text = marked.replace('|', '');
  const fitted = fitToCursor(generated, cursorText(text, offset));
  return fitted && text.slice(0, offset) + fitted.text + text.slice(offset + fitted.replaced);
}

describe('completion: fitting to the cursor', () => {
  it('inserts what is new', () => {
    assert.equal(accept('const a = |', '1;'), 'const a = 1;');
    assert.equal(accept('const a = |;', '1'), 'const a = 1;');
  });

  it('takes over closing brackets that the editor typed', () => {
    assert.equal(accept('foo(|)', 'a, b);'), 'foo(a, b);');
    assert.equal(accept('foo(|)', 'bar(a))'), 'foo(bar(a))');
    assert.equal(accept('foo({|})', 'a: 1 });'), 'foo({a: 1 });');
    assert.equal(accept('say("|")', 'hello")'), 'say("hello")');
  });

  it('leaves the closing brackets that are there when the text brings only some, and never doubles one', () => {
    assert.equal(accept('foo(|);', 'a, b)'), 'foo(a, b);');
    assert.equal(accept('f({|})', ' a: 1 }'), 'f({ a: 1 })');
    assert.equal(accept("say('|');", "hello'"), "say('hello');");
    assert.equal(accept('trim(|),', ');'), undefined);
    assert.equal(accept('new Builder(this.engi|),', 'ne, prompt);'), 'new Builder(this.engine, prompt),');
  });

  it('cuts at what follows only where that is a word of its own', () => {
    assert.equal(accept('return |b', 'number + '), 'return number + b');
    assert.equal(accept('let t: |T', 'Tree<'), 'let t: Tree<T');
    assert.equal(accept('return |b', 'numb'), 'return numbb');
    assert.equal(accept('return |b', 'a + b'), 'return a + b');
  });

  it('leaves out the lines that the file goes on with', () => {
    assert.equal(accept('if (a) {\n    |\n  }\n}', 'return x;\n  }'), 'if (a) {\n    return x;\n  }\n}');
    assert.equal(accept('  |\n  b();\n  c();', 'a();\n  b();\n  c();'), '  a();\n  b();\n  c();');
  });

  it('leaves brackets in place whose partners the text brings along', () => {
    assert.equal(accept('foo(|)', 'bar(a)'), 'foo(bar(a))');
    assert.equal(accept('foo(|)', 'a'), 'foo(a)');
    assert.equal(accept('x[|]', 'i[0]'), 'x[i[0]]');
  });

  it('removes an end that stands behind the cursor already', () => {
    assert.equal(accept('return | + b;', 'a + b;'), 'return a + b;');
    assert.equal(accept('for (const x of |items) {', 'all.items) {'), 'for (const x of all.items) {');
    assert.equal(accept('let |value = 1', 'my value'), 'let my value = 1');
  });

  it('says nothing when nothing is new', () => {
    assert.equal(accept('return |a + b;', 'a + b;'), undefined);
    assert.equal(accept('x|', '   '), undefined);
    assert.equal(accept('x|', ''), undefined);
  });

  it('does not say again what the next line says', () => {
    assert.equal(accept('  |\n  return value;\n', 'return value;'), undefined);
    assert.equal(accept('  |\n  return value;\n', 'return other;'), '  return other;\n  return value;\n');
  });
});
