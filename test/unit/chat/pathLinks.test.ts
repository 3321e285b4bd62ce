import * as assert from 'node:assert/strict';
import { findPaths, kindOfTarget, lastPath } from '../../../media/chat/pathLinks';
import { processorMs } from '../../support/processorTime';
import { readPlace, relativeNames } from '../../../client/src/features/chat/places';

const targets = (text: string, inCode = false): string[] =>
  findPaths(text, inCode).map(({ target }) => target);

describe('chat page: paths in answers', () => {
  it('finds paths with folders, and lines behind them', () => {
    assert.deepEqual(targets('See src/a.ts, ./b/c.py:12 and (server/x.ts:10-20).'), [
      'src/a.ts',
      './b/c.py:12',
      'server/x.ts:10-20',
    ]);
    assert.deepEqual(targets('a.ts:12 a.ts:12:5 x/y.md#L3-L9'), ['a.ts:12', 'a.ts:12:5', 'x/y.md#L3-L9']);
  });

  it('takes mere names only in code, and only where they end like files', () => {
    assert.deepEqual(targets('Use Node.js, e.g. main.ts or console.log.'), []);
    assert.deepEqual(targets('main.ts', true), ['main.ts']);
    assert.deepEqual(targets('console.log', true), []);
    assert.deepEqual(targets('array.length 1.2.3', true), []);
  });

  it('leaves web addresses, numbers and mail addresses alone', () => {
    assert.deepEqual(
      targets('https://a.example/x/y.ts http://b.example/z.html?q=a/b.ts 1.5/2.5 me@a.example'),
      [],
    );
  });

  it('says where they stand', () => {
    const text = 'In src/a.ts:3 it is.';
    const [found] = findPaths(text, false);
    assert.equal(text.slice(found?.start, found?.end), 'src/a.ts:3');
  });

  it('is quick on long lines', () => {
    const ms = processorMs(() => {
      findPaths('a.b/'.repeat(20_000), true);
      findPaths('../'.repeat(30_000), true);
      findPaths(`${'x'.repeat(90_000)}.ts`, true);
    });
    assert.ok(ms < 1_000, `${ms.toFixed(0)} ms`);
  });

  it('knows the path before a code block', () => {
    assert.equal(lastPath('Change `src/a.ts` and then **src/b.ts**:'), 'src/b.ts');
    assert.equal(lastPath('Like this:'), '');
  });

  it('tells targets apart', () => {
    const kinds = (list: readonly string[]): string[] => list.map(kindOfTarget);
    assert.deepEqual(kinds(['https://a.example', 'HTTP://a.example/x']), ['web', 'web']);
    assert.deepEqual(kinds(['src/a.ts', 'a.ts:12', '/abs/a.ts', '../x.ts']), [
      'file',
      'file',
      'file',
      'file',
    ]);
    const inert = [
      'javascript:x',
      'JAVASCRIPT:x',
      'command:x',
      'data:x',
      'file:///x',
      'vscode://x',
      '//h/x',
      '\\\\h\\x',
      '#x',
      '',
    ];
    assert.deepEqual(
      kinds(inert),
      inert.map(() => 'none'),
    );
    assert.equal(kindOfTarget('java\u0000script:x'), 'none');
  });
});

describe('client: places that answers name', () => {
  it('reads lines', () => {
    assert.deepEqual(readPlace('src/a.ts'), { path: 'src/a.ts', startLine: undefined, endLine: undefined });
    assert.deepEqual(readPlace('src/a.ts:12'), { path: 'src/a.ts', startLine: 11, endLine: 12 });
    assert.deepEqual(readPlace('src/a.ts:12:5'), { path: 'src/a.ts', startLine: 11, endLine: 12 });
    assert.deepEqual(readPlace('a.ts:12-20'), { path: 'a.ts', startLine: 11, endLine: 20 });
    assert.deepEqual(readPlace('a.ts#L3-L9'), { path: 'a.ts', startLine: 2, endLine: 9 });
    assert.deepEqual(readPlace('a.ts:0'), { path: 'a.ts', startLine: undefined, endLine: undefined });
  });

  it('has no name for what leads out of a folder', () => {
    assert.deepEqual(relativeNames('../x.ts'), []);
    assert.deepEqual(relativeNames('a/../../x.ts'), []);
    assert.deepEqual(relativeNames('%2e%2e/x.ts'), ['%2e%2e/x.ts']);
    assert.deepEqual(relativeNames('./a//b/../c.ts'), ['a/c.ts']);
    assert.deepEqual(relativeNames('my%20file.ts'), ['my%20file.ts', 'my file.ts']);
    assert.deepEqual(relativeNames('.'), []);
  });
});
