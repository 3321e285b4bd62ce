import * as assert from 'node:assert/strict';
import { decide, type Decision } from '../../../../server/src/completion/decide';
import { cursorText } from '../../../../server/src/prompt';
import { scopeOf } from '../../../../server/src/syntax';

interface Case {
  readonly what: string;
  readonly languageId: string;
  /** '¦' is the cursor. */
  readonly text: string;
  readonly generated: string;
  /** The whole document after accepting; or why nothing is shown, after a '✘'. */
  readonly becomes: string;
  readonly maxLines?: number;
}

function outcome({ languageId, text, generated, maxLines = 20 }: Case): {
  after: string;
  decision: Decision;
} {
  const offset = text.indexOf('¦');
  const source = text.replace('¦', '');
  const cursor = cursorText(source, offset);
  const decision = decide(generated, cursor, scopeOf(languageId, source, offset), { maxLines });
  const after =
    'dropped' in decision
      ? `✘ ${decision.dropped}`
      : source.slice(0, offset) + decision.text + source.slice(offset + decision.replaced);
  return { after, decision };
}

const unbalanced = '✘ it would leave brackets or quotes unbalanced';
const repeats = '✘ it repeats what follows the cursor';

const cases: readonly Case[] = [
  // How much: one line, or the body of a block.
  {
    what: 'one line where no body is to be written',
    languageId: 'typescript',
    text: 'const a = ¦',
    generated: 'b;\nconst c = d;',
    becomes: 'const a = b;',
  },
  {
    what: 'a body up to the bracket that is there already',
    languageId: 'typescript',
    text: 'function f(a: number) {\n  ¦\n}\n',
    generated: 'const b = a * 2;\n  return b;\n}\n\nfunction g() {',
    becomes: 'function f(a: number) {\n  const b = a * 2;\n  return b;\n}\n',
  },
  {
    what: 'a body with the bracket that nobody has written',
    languageId: 'typescript',
    text: 'function f(a: number) {\n  ¦',
    generated: 'return a;\n}\n\nfunction g() {\n  return 1;',
    becomes: 'function f(a: number) {\n  return a;\n}',
  },
  {
    what: 'a body between the brackets that the editor has put there',
    languageId: 'typescript',
    text: 'class A {\n  f() {¦}\n}\n',
    generated: '\n    return 1;\n  }\n\n  g() {',
    becomes: 'class A {\n  f() {\n    return 1;\n  }\n}\n',
  },
  {
    what: 'a callback with all that closes it',
    languageId: 'typescript',
    text: 'it("a", () => {\n  ¦',
    generated: 'run();\n});\n\nit("b", () => {\n  stop();',
    becomes: 'it("a", () => {\n  run();\n});',
  },
  {
    what: 'no more lines than the model may write',
    languageId: 'typescript',
    text: 'function f() {\n  ¦\n}\n',
    generated: 'a();\n  b();\n  c();\n}',
    becomes: 'function f() {\n  a();\n}\n',
    maxLines: 1,
  },
  {
    what: 'a body without the inner block that was not finished',
    languageId: 'typescript',
    text: 'function f() {\n  ¦\n}\n',
    generated: 'a();\n  for (const b of c) {\n    d(b);',
    becomes: 'function f() {\n  a();\n}\n',
    maxLines: 3,
  },
  {
    what: 'a body in Python, up to the next definition',
    languageId: 'python',
    text: 'def f(a):\n    ¦\n\ndef g():\n    pass\n',
    generated: 'if a:\n        return 1\n    return 2\n\ndef h():\n    pass',
    becomes: 'def f(a):\n    if a:\n        return 1\n    return 2\n\ndef g():\n    pass\n',
  },
  {
    what: 'a method in Python behind its colon',
    languageId: 'python',
    text: 'class A:\n    def f(self):¦\n',
    generated: '\n        return self.a\n\n    def g(self):\n        return self.b',
    becomes: 'class A:\n    def f(self):\n        return self.a\n',
  },
  {
    what: 'lines within brackets of Python, however they are indented',
    languageId: 'python',
    text: 'def f():\n    ¦\n',
    generated: 'return g(\n1,\n2)\nx = 3',
    becomes: 'def f():\n    return g(\n1,\n2)\n',
  },
  {
    what: 'a switch of Go, whose cases stand at its margin',
    languageId: 'go',
    text: 'package a\n\nfunc f(a int) {\n\tswitch a {\n\t¦\n\t}\n}\n',
    generated: 'case 1:\n\t\tb()\n\tdefault:\n\t\tc()\n\t}\n}',
    becomes: 'package a\n\nfunc f(a int) {\n\tswitch a {\n\tcase 1:\n\t\tb()\n\tdefault:\n\t\tc()\n\t}\n}\n',
  },
  {
    what: 'a class of C++ with its sections',
    languageId: 'cpp',
    text: 'class A {\n¦\n};\n',
    generated: ' public:\n  int b() const { return b_; }\n\n private:\n  int b_;\n};\n\nclass B {',
    becomes: 'class A {\n public:\n  int b() const { return b_; }\n\n private:\n  int b_;\n};\n',
  },
  {
    what: 'a method of Ruby with its end',
    languageId: 'ruby',
    text: 'class A\n  def f(a)\n    ¦',
    generated: 'a.map do |b|\n      b + 1\n    end\n  end\n\n  def g',
    becomes: 'class A\n  def f(a)\n    a.map do |b|\n      b + 1\n    end\n  end',
  },
  {
    what: 'a method of Ruby whose end is there',
    languageId: 'ruby',
    text: 'def f(a)\n  ¦\nend\n',
    generated: 'if a\n    1\n  else\n    2\n  end\nend\n\ndef g',
    becomes: 'def f(a)\n  if a\n    1\n  else\n    2\n  end\nend\n',
  },
  {
    what: 'a loop of a shell',
    languageId: 'shellscript',
    text: 'for a in b; do\n  ¦\ndone\n',
    generated: 'echo "$a"\ndone\necho c',
    becomes: 'for a in b; do\n  echo "$a"\ndone\n',
  },
  // Brackets and quotes.
  {
    what: 'no bracket that nothing closes',
    languageId: 'typescript',
    text: 'a();\n¦\n',
    generated: 'console.log(b, {',
    becomes: 'a();\nconsole.log\n',
  },
  {
    what: 'no block that nothing closes',
    languageId: 'typescript',
    text: 'function f() {\n  a();\n  ¦\n}\n',
    generated: 'if (b) {',
    becomes: 'function f() {\n  a();\n  if (b)\n}\n',
  },
  {
    what: 'the bracket whose partner stands below',
    languageId: 'typescript',
    text: 'function f() {\n  if (b¦\n    c();\n  }\n}\n',
    generated: ') {',
    becomes: 'function f() {\n  if (b) {\n    c();\n  }\n}\n',
  },
  {
    what: 'the brackets of a call that goes on below',
    languageId: 'typescript',
    text: 'items.¦\n  a();\n});\nb();\n',
    generated: 'forEach((item) => {',
    becomes: 'items.forEach((item) => {\n  a();\n});\nb();\n',
  },
  {
    what: 'the parenthesis whose partner stands below',
    languageId: 'python',
    text: 'def f():\n    a = g¦\n        1,\n    )\n    return a\n',
    generated: '(',
    becomes: 'def f():\n    a = g(\n        1,\n    )\n    return a\n',
  },
  {
    what: 'no bracket that closes what closes already',
    languageId: 'typescript',
    text: 'function f() {\n  ¦\n  b();\n}\n',
    generated: 'a() }',
    becomes: 'function f() {\n  a()\n  b();\n}\n',
  },
  {
    what: 'a bracket that closes what is open',
    languageId: 'cpp',
    text: 'int a = f(g(1¦;\n',
    generated: '), 2)',
    becomes: 'int a = f(g(1), 2);\n',
  },
  {
    what: 'brackets in strings, comments and regular expressions are none',
    languageId: 'typescript',
    text: 'const a = ¦;\n',
    generated: "b('(', /[({]/, `{`, c /* ( */)",
    becomes: "const a = b('(', /[({]/, `{`, c /* ( */);\n",
  },
  {
    what: 'a division is no regular expression',
    languageId: 'typescript',
    text: 'const a = b ¦\n',
    generated: '/ (c / 2);',
    becomes: 'const a = b / (c / 2);\n',
  },
  {
    what: 'a bracket that is closed and opened again',
    languageId: 'typescript',
    text: 'if (a) {\n  b();\n¦\n  c();\n}\n',
    generated: '} else {',
    becomes: 'if (a) {\n  b();\n} else {\n  c();\n}\n',
  },
  {
    what: 'but not one that is only closed',
    languageId: 'typescript',
    text: 'if (a) {\n  b();\n¦\n  c();\n}\n',
    generated: '} else',
    becomes: unbalanced,
  },
  {
    what: 'a string that does not end goes, and the call around it',
    languageId: 'go',
    text: 'package a\nfunc f() {\n\t¦\n}\n',
    generated: 'fmt.Println("so far',
    becomes: 'package a\nfunc f() {\n\tfmt.Println\n}\n',
    maxLines: 1,
  },
  {
    what: 'the end of a string that was begun',
    languageId: 'typescript',
    text: "const a = require('b¦\n",
    generated: "uffer');",
    becomes: "const a = require('buffer');\n",
  },
  {
    what: 'the rest of a string whose quote and bracket the editor has put there',
    languageId: 'typescript',
    text: "const a = require('b¦')\n",
    generated: "uffer');",
    becomes: "const a = require('buffer');\n",
  },
  {
    what: 'a template with code in it',
    languageId: 'typescript',
    text: 'const a = `b${¦\n',
    generated: 'c.d()}e`;',
    becomes: 'const a = `b${c.d()}e`;\n',
  },
  {
    what: 'a lifetime is no quote',
    languageId: 'rust',
    text: 'fn f¦\n    a\n}\n',
    generated: "<'a>(a: &'a str) -> &'a str {",
    becomes: "fn f<'a>(a: &'a str) -> &'a str {\n    a\n}\n",
  },
  {
    what: 'an object of JSON that is not closed is dropped',
    languageId: 'json',
    text: '{\n  "a": ¦\n}\n',
    generated: '{',
    becomes: unbalanced,
  },
  {
    what: 'a value of JSON',
    languageId: 'json',
    text: '{\n  "a": ¦\n}\n',
    generated: '{ "b": [1, 2] }',
    becomes: '{\n  "a": { "b": [1, 2] }\n}\n',
  },
  {
    what: 'the object of JSON whose partner stands below',
    languageId: 'json',
    text: '{\n  "a": ¦\n    "b": 1\n  },\n  "c": 2\n}\n',
    generated: '{',
    becomes: '{\n  "a": {\n    "b": 1\n  },\n  "c": 2\n}\n',
  },
  {
    what: 'prose may say what it likes',
    languageId: 'markdown',
    text: "It's ¦\n",
    generated: 'easy (or so :(',
    becomes: "It's easy (or so :(\n",
  },
  {
    what: 'a comment, too',
    languageId: 'typescript',
    text: '// as ¦\n',
    generated: "in f(a, isn't it",
    becomes: "// as in f(a, isn't it\n",
  },
  // What is there already.
  {
    what: 'the next line is not said again, whatever its spaces',
    languageId: 'typescript',
    text: 'a();\n¦\nconst total = sum( items );\n',
    generated: 'const total = sum(items);',
    becomes: repeats,
  },
  {
    what: 'a body stops before the line that follows',
    languageId: 'python',
    text: 'def f():\n    ¦\n\nregister(f)\n',
    generated: 'pass\nregister(f)',
    becomes: 'def f():\n    pass\n\nregister(f)\n',
  },
  {
    what: 'white space alone is nothing',
    languageId: 'typescript',
    text: 'a();\n¦\n',
    generated: '  \n \n',
    becomes: '✘ there is nothing but white space',
  },
  {
    what: 'the rest of the line is not said again',
    languageId: 'typescript',
    text: 'const a = ¦;\n',
    generated: ';',
    becomes: '✘ it says nothing that is not there already',
  },
  // Indentation and line breaks.
  {
    what: 'tabs where the document has tabs',
    languageId: 'go',
    text: 'package a\n\nfunc f() {\n\ta()\n}\n\nfunc g() {\n\t¦\n}\n',
    generated: 'if b {\n        c()\n    }\n}',
    becomes: 'package a\n\nfunc f() {\n\ta()\n}\n\nfunc g() {\n\tif b {\n\t\tc()\n\t}\n}\n',
  },
  {
    what: 'spaces where the document has spaces',
    languageId: 'python',
    text: 'def f():\n    a()\n\ndef g():\n    ¦\n',
    generated: 'if b:\n\t\tc()\n\td()',
    becomes: 'def f():\n    a()\n\ndef g():\n    if b:\n        c()\n    d()\n',
  },
  {
    what: 'the depth of a body that is begun at the margin',
    languageId: 'typescript',
    text: 'class A {\n  f() {\n¦\n  }\n}\n',
    generated: 'a();\n    b();',
    becomes: 'class A {\n  f() {\n    a();\n    b();\n  }\n}\n',
  },
  {
    what: 'the white space that is there is not written twice',
    languageId: 'typescript',
    text: 'class A {\n  f() {\n    ¦\n  }\n}\n',
    generated: '    a();\n    b();',
    becomes: 'class A {\n  f() {\n    a();\n    b();\n  }\n}\n',
  },
  {
    what: 'a line that is as deep as its neighbours keeps its white space',
    languageId: 'typescript',
    text: 'f(() => {\n  a();\n¦\n});\n',
    generated: '  b();',
    becomes: 'f(() => {\n  a();\n  b();\n});\n',
  },
  {
    what: 'a line that is far too deep does not',
    languageId: 'typescript',
    text: 'f(() => {\n  a();\n  ¦\n});\n',
    generated: '        b();',
    becomes: 'f(() => {\n  a();\n  b();\n});\n',
  },
  {
    what: 'the line breaks of the document',
    languageId: 'typescript',
    text: 'function f() {\r\n  ¦\r\n}\r\n',
    generated: 'a();\n  b();\n}',
    becomes: 'function f() {\r\n  a();\r\n  b();\r\n}\r\n',
  },
];

describe('completion: deciding what to show', () => {
  for (const one of cases) {
    it(`${one.languageId}: ${one.what}`, () => {
      assert.equal(outcome(one).after, one.becomes);
    });
  }

  it('tells what each filter did, and nothing of those that did nothing', () => {
    const common = { what: '', becomes: '' };
    const untouched = outcome({
      ...common,
      languageId: 'typescript',
      text: 'const a = ¦\n',
      generated: 'b;',
    });
    assert.deepEqual(untouched.decision.steps, []);
    const cut = outcome({
      ...common,
      languageId: 'typescript',
      text: 'x();\n¦\n',
      generated: 'f(a, {\n  b: 1',
    });
    assert.deepEqual(cut.decision, {
      text: 'f',
      replaced: 0,
      steps: [
        { filter: 'lines', text: 'f(a, {' },
        { filter: 'balance', text: 'f' },
      ],
    });
    const dropped = outcome({ ...common, languageId: 'json', text: '{ "a": ¦ }\n', generated: '[' });
    assert.deepEqual(dropped.decision.steps, [{ filter: 'balance', text: '' }]);
  });
});
