/** Where names are used and declared, as trees say. */
import * as assert from 'node:assert/strict';
import { Syntax } from '../../../server/src/syntax';
import { silentLog } from '../../../server/src/util/log';
import { grammarFolder } from './support';

const syntax = new Syntax(grammarFolder, silentLog);
let documents = 0;

/** Each use as `role` (`!` = it declares), where it stands, and how its scope begins. */
async function uses(languageId: string, text: string, name: string): Promise<string[] | undefined> {
  documents += 1;
  const found = await syntax.namesIn({ uri: `file:///names/${String(documents)}`, languageId, text }, name);
  return found?.map(({ role, declares, scope, start }) => {
    const line = text.slice(0, start).split('\n').length;
    const begins = scope === undefined ? '-' : text.slice(scope.start, scope.start + 8).replaceAll('\n', ' ');
    return `${String(line)} ${role}${declares ? '!' : ''} ${begins}`;
  });
}

describe('syntax: names', () => {
  after(() => {
    syntax.dispose();
  });

  it('belong to the innermost declaration around them', async () => {
    const text = `import { n } from 'x';
function f(n: number) { return n; }
const g = (n) => n;
for (const n of n) use(n);
use(n);
`;
    assert.deepEqual(await uses('typescript', text, 'n'), [
      '1 name! import {',
      '2 name! function',
      '2 name function',
      '3 name! (n) => n',
      '3 name (n) => n',
      '4 name! for (con',
      '4 name for (con',
      '4 name for (con',
      '5 name import {',
    ]);
  });

  it('are told from members, and from those that are both', async () => {
    const text = 'const { a: n } = b.n;\nuse({ n, n: n });\nclass C { n = 1; m() { this.n = n; } }\n';
    assert.deepEqual(await uses('typescript', text, 'n'), [
      '1 name! const { ',
      '1 member -',
      '2 both const { ',
      '2 member -',
      '2 name const { ',
      '3 member! -',
      '3 member -',
      '3 name const { ',
    ]);
  });

  it('of imports are the ones that the file uses', async () => {
    const text = "import { n as m, o as p } from 'x';\nuse(n, m);\n";
    assert.deepEqual(await uses('javascript', text, 'n'), ['1 name -', '2 name -']);
    assert.deepEqual(await uses('javascript', text, 'm'), ['1 name! import {', '2 name import {']);
  });

  it('are none in strings and comments, nor parts of others', async () => {
    assert.deepEqual(await uses('typescript', "// n\nuse('n', nn, n1);\n", 'n'), []);
  });

  it('are known in C++', async () => {
    const text = `int f(int n, const T& k) { auto g = [&](int n) { return n; }; return g(n) + k; }
struct S { int n; };
int h(S s) { for (int k = 0; k < s.n; ++k) {} return n; }
`;
    assert.deepEqual(await uses('cpp', text, 'n'), [
      '1 name! int f(in',
      '1 name! [&](int ',
      '1 name [&](int ',
      '1 name int f(in',
      '2 member! -',
      '3 member -',
      '3 name -',
    ]);
    assert.deepEqual(await uses('cpp', text, 'k'), [
      '1 name! int f(in',
      '1 name int f(in',
      '3 name! for (int',
      '3 name for (int',
      '3 name for (int',
    ]);
  });

  it('are known in Python, where blocks keep nothing to themselves', async () => {
    const text = 'def f(n):\n    if n:\n        k = n.k\n    return k\nk = f(n=1)\n';
    assert.deepEqual(await uses('python', text, 'n'), [
      '1 name! def f(n)',
      '2 name def f(n)',
      '3 name def f(n)',
      '5 member -',
    ]);
    assert.deepEqual((await uses('python', text, 'k'))?.slice(0, 3), [
      '3 name! def f(n)',
      '3 member -',
      '4 name def f(n)',
    ]);
  });

  it('are unknown where there is no grammar', async () => {
    assert.equal(await uses('plaintext', 'n = n', 'n'), undefined);
  });
});
