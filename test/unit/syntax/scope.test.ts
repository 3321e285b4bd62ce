import * as assert from 'node:assert/strict';
import { scopeOf, type Scope } from '../../../server/src/syntax';
import { marked, realSyntax } from './support';

/** language, text with the cursor, what is to be found: kind, and 'body' with its indentation where one is to be written. */
type Case = readonly [languageId: string, text: string, expected: string];

const everywhere: readonly Case[] = [
  // A block that has just been opened, closed by the editor or not, on its line or below.
  ['typescript', 'function f() {|}', 'code body "" closed'],
  ['typescript', 'function f() {|', 'code body "" open'],
  ['typescript', 'function f() {\n  |\n}', 'code body "" closed'],
  ['typescript', 'function f() {\r\n  |\r\n}\r\n', 'code body "" closed'],
  ['typescript', 'class A {\n  m(a: number): void {\n    |\n  }\n}', 'code body "  " closed'],
  ['typescript', 'class A {\n  m(a: number): void {|\n}\n', 'code body "  " open'],
  ['typescript', 'function f() {\n  |\n\nfunction g() {\n}\n', 'code body "" open'],
  ['typescript', 'function f() {\n  // why\n  |\n}', 'code body "" closed'],
  ['typescript', 'function f() {\n  ret|\n}', 'code body "" closed'],
  ['typescript', 'items.map((item) => {|})', 'code body "" closed'],
  ['typescript', 'function f(\n  a: number,\n  b: string,\n): void {|}', 'code body "" closed'],
  ['typescript', 'if (a) {\n  b();\n} else {|}', 'code body "" closed'],
  ['typescript', 'interface A {|}', 'code body "" closed'],
  ['javascript', 'try {|}', 'code body "" closed'],
  ['cpp', 'int f(int a) {|}', 'code body "" closed'],
  ['cpp', 'class A {\n public:\n  int f() const {\n    |\n  }\n};', 'code body "  " closed'],
  ['c', 'struct a {|};', 'code body "" closed'],
  ['go', 'package a\n\nfunc f() error {\n\t|\n}\n', 'code body "" closed'],
  ['go', 'package a\n\nfunc f() error {\n\tif a {|\n}\n', 'code body "\t" open'],
  ['java', 'class A {\n  void f() throws E {\n    |\n  }\n}', 'code body "  " closed'],
  ['rust', 'fn f(a: &str) -> usize {|}', 'code body "" closed'],
  ['rust', "impl<'a> A<'a> {\n    fn f(&'a self) {\n        |\n    }\n}\n", 'code body "    " closed'],
  ['csharp', 'class A {\n    int F() {\n        |\n    }\n}', 'code body "    " closed'],
  ['php', '<?php\nfunction f($a) {\n  |\n}\n', 'code body "" closed'],
  ['css', '.a > .b {|}', 'code body "" closed'],
  ['python', 'def f(a):|', 'code body "" closed'],
  ['python', 'def f(a):\n    |', 'code body "" closed'],
  [
    'python',
    'class A:\n    def f(self,\n          b):\n        |\n\n    def g(self):\n        pass\n',
    'code body "    " closed',
  ],
  ['python', 'def f(a):\n    """What it does."""\n    |\n', 'code body "" closed'],
  ['python', 'def f(a):\n    ret|\n', 'code body "" closed'],
  ['python', 'if a:\n    b()\nelse:\n    |', 'code body "" closed'],
  ['ruby', 'def f(a)\n  |\nend\n', 'code body "" closed'],
  ['ruby', 'class A\n  def f\n    a.each do |x|\n', 'code body "    " open'],
  ['shellscript', 'if [ -f a ]; then\n  |\nfi\n', 'code body "" closed'],
  ['shellscript', 'f() {\n  |\n}\n', 'code body "" closed'],
  // Nothing of the kind.
  ['typescript', 'function f() {\n  a();\n  |\n}', 'code'],
  ['typescript', 'function f() {|\n  a();\n}', 'code'],
  ['typescript', 'const a = |', 'code'],
  ['typescript', 'const a = {|};', 'code'],
  ['typescript', 'call({|})', 'code'],
  ['typescript', 'import {|} from "a";', 'code'],
  ['typescript', 'function f() {| return 1; }', 'code'],
  ['typescript', 'class A {\n  a = 1;\n  |\n}', 'code'],
  ['typescript', '|', 'code'],
  ['cpp', 'int a[] = {|};', 'code'],
  ['cpp', 'namespace n {\n|\n}', 'code'], // its lines are often not indented: nobody could tell where they end
  ['python', 'a = {1:|}', 'code'],
  ['python', 'a = b[1:|]', 'code'],
  ['python', 'a = 1\n|', 'code'],
  ['python', 'def f(a):\n    b = 1\n    |', 'code'],
  ['json', '{\n  "a": {|}\n}', 'code'],
  // Comments and strings.
  ['typescript', '// as we |', 'comment'],
  ['typescript', 'a(); // as we |\nb();', 'comment'],
  ['typescript', '/* as |\n * well */', 'comment'],
  ['typescript', '/** as */ |', 'code'],
  ['typescript', "const a = 'b|c';", 'string'],
  ['typescript', "const a = 'b|\nconst c = 1;", 'string'],
  ['typescript', 'const a = `b\n|c`;', 'string'],
  ['typescript', 'const a = `b${|}c`;', 'code'],
  ['typescript', 'const a = `b${c}|`;', 'string'],
  ['typescript', "const a = 'b'|;", 'code'],
  ['typescript', 'const a = /[(]|"/;', 'string'],
  ['typescript', "const url = 'http://|';", 'string'],
  ['typescriptreact', 'const a = <b c="|" />;', 'string'],
  ['python', '# as |', 'comment'],
  ['python', 'a = """b\n|\n"""', 'string'],
  ['python', "a = f'b|'", 'string'],
  ['cpp', 'auto a = R"x(\n " |)x";', 'string'],
  ['cpp', "int a = 1'000; |", 'code'],
  ['rust', "fn f<'a>(b: &'a str) { let c = |; }", 'code'],
  ['rust', "let c = 'x|';", 'string'],
  ['go', 'package a\nvar b = `c\n|`', 'string'],
  ['shellscript', 'a $# |', 'code'],
  ['shellscript', 'a # b|', 'comment'],
  ['css', '/* a| */', 'comment'],
];

/** Only a tree knows. */
const withTree: readonly Case[] = [
  ['shellscript', 'cat <<EOF\nit|\nEOF\n', 'string'],
  ['ruby', 'a = <<~TEXT\n  it|\nTEXT\n', 'string'],
  ['typescriptreact', "const a = <p>don't {|}</p>;", 'code'],
  ['typescript', 'type A = B<{|}>;', 'code'],
];

/** For languages without a grammar. */
const byRules: readonly Case[] = [
  ['kotlin', 'fun f(a: Int): String {|}', 'code body "" closed'],
  ['kotlin', 'val a = "b|"', 'string'],
  ['swift', 'func f() -> Int {\n    |\n}', 'code body "" closed'],
  ['lua', 'function f(a)\n  |\nend\n', 'code body "" closed'],
  ['lua', '-- as |', 'comment'],
  ['sql', 'select 1 -- as |', 'comment'],
  ['yaml', 'a: b # as |', 'comment'],
  ['markdown', "it's { |", 'code'],
  ['plaintext', 'a |', 'code'],
  ['nobody-knows', 'a { |', 'code'],
  ['constructor', 'a |', 'code'],
];

function describeScope({ kind, multiLine, blockIndent, blockClosed }: Scope): string {
  return multiLine
    ? `${kind} body ${JSON.stringify(blockIndent).replace('\\t', '\t')} ${blockClosed ? 'closed' : 'open'}`
    : kind;
}

/** Where the text itself has a '|', the last one is the cursor. */
function place(text: string): { readonly text: string; readonly offset: number } {
  return text.includes('|x|') ? { text, offset: text.length } : marked(text);
}

describe('syntax: what stands at a place', () => {
  const syntax = realSyntax();

  after(() => {
    syntax.dispose();
  });

  for (const [languageId, text, expected] of [...everywhere, ...withTree]) {
    it(`${languageId}: ${JSON.stringify(text)} is ${expected}, by the tree`, async () => {
      const { text: source, offset } = place(text);
      const scope = await syntax.scopeAt({ uri: 'file:///a', languageId, text: source }, offset, 10_000);
      const hasGrammar = languageId !== 'json';
      assert.equal(scope.source, hasGrammar ? 'tree' : 'rules');
      assert.equal(describeScope(scope), expected);
    });
  }

  for (const [languageId, text, expected] of [...everywhere, ...byRules]) {
    it(`${languageId}: ${JSON.stringify(text)} is ${expected}, by rules`, () => {
      const { text: source, offset } = place(text);
      assert.equal(describeScope(scopeOf(languageId, source, offset)), expected);
    });
  }
});
