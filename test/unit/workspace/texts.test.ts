import * as assert from 'node:assert/strict';
import { foldersOf, locate } from '../../../server/src/workspace/folders';
import { namesToAsk } from '../../../server/src/workspace/names';
import type { ContextPart, LineBlock } from '../../../server/src/workspace/part';
import { chooseParts, orderParts } from '../../../server/src/workspace/rank';
import { RecentEdits } from '../../../server/src/workspace/recentEdits';
import { blockAt, lineBlocks } from '../../../server/src/workspace/text/blocks';
import { identifiersOf, similarity } from '../../../server/src/workspace/text/identifiers';
import { asDiff, lineChange } from '../../../server/src/workspace/text/lineDiff';
import { isWrittenByPeople, lineAt, linesOf } from '../../../server/src/workspace/text/lines';

function part(path: string, more: Partial<ContextPart> = {}): ContextPart {
  return { path, text: `${path}\n`, startLine: 0, endLine: 1, source: 'open', score: 0.5, ...more };
}

describe('workspace: texts', () => {
  it('locates documents in the innermost folder, and nowhere else', () => {
    const folders = foldersOf([
      'file:///w',
      'file:///w/packages/a',
      'vscode-vfs://github/x',
      'file:///W%20x',
    ]);
    const at = (uri: string): string | undefined => {
      const found = locate(uri, folders);
      return found && `${found.folder.name}: ${found.path}`;
    };
    assert.equal(at('file:///w/src/a.ts'), 'w: src/a.ts');
    assert.equal(at('file:///w/packages/a/b.ts'), 'a: b.ts');
    assert.equal(at('file:///W%20x/%C3%A9.ts'), 'W x: é.ts');
    assert.equal(at('vscode-notebook-cell:/w/n.ipynb#W0'), undefined);
    assert.equal(at('vscode-notebook-cell:///w/n.ipynb#W0'), 'w: n.ipynb');
    for (const uri of [
      'file:///wide/a.ts',
      'file:///w',
      'file:///w/../x',
      'untitled:w/a.ts',
      'file://host/w/a',
      'file:///%',
    ]) {
      assert.equal(at(uri), undefined, uri);
    }
  });

  it('measures likeness by names, common words left out', () => {
    const one = identifiersOf('const total = computeTotal(order); return total;');
    assert.deepEqual([...one].sort(), ['computeTotal', 'order', 'total']);
    assert.equal(similarity(one, one), 1);
    assert.equal(similarity(one, identifiersOf('return false; // if else')), 0);
    assert.equal(similarity(one, identifiersOf('order + other')), 1 / 4);
  });

  it('cuts a text into blocks that cover it, in order, at functions', async () => {
    const body = (name: string, lines: number): string =>
      `function ${name}() {\n${Array.from({ length: lines }, (_, i) => `  step(${String(i)});`).join('\n')}\n}\n`;
    const text = ['import x from "x";', '', body('a', 14), body('b', 14), body('c', 100), 'end();'].join(
      '\n',
    );
    const blocks = await lineBlocks({ path: 'a.ts', languageId: 'typescript', text });
    const lines = linesOf(text);
    assert.equal(blocks[0]?.startLine, 0);
    assert.equal(blocks.at(-1)?.endLine, lines.length);
    blocks.slice(1).forEach((block, i) => {
      assert.equal(block.startLine, blocks[i]?.endLine);
    });
    assert.ok(blocks.every(({ startLine, endLine }) => endLine > startLine && endLine - startLine <= 40));
    const b = blockAt(blocks, lines.indexOf('function b() {') + 5);
    assert.equal(lines[b.startLine], 'function b() {');
    assert.deepEqual(await lineBlocks({ path: 'a', languageId: '', text: '' }), []);
    assert.deepEqual(await lineBlocks({ path: 'a', languageId: '', text: '\n\n\n' }), [
      { startLine: 0, endLine: 3 },
    ]);
  });

  it('counts lines whatever ends them, and tells generated text', () => {
    assert.deepEqual(linesOf('a\r\nb\rc\nd'), ['a', 'b', 'c', 'd']);
    assert.equal(lineAt('a\r\nb\nc', 6), 2);
    assert.equal(lineAt('abc', 3), 0);
    assert.equal(isWrittenByPeople('let a = 1;\n'.repeat(50)), true);
    assert.equal(isWrittenByPeople('let a = 1;'.repeat(5_000)), false);
  });

  it('finds what changed between two texts', () => {
    const change = lineChange('a\nb\nc\nd\n', 'a\nx\ny\nd\n');
    assert.ok(change);
    assert.deepEqual(change, { startLine: 1, removed: ['b', 'c'], added: ['x', 'y'] });
    assert.equal(asDiff(change), '@@ -2,2 +2,2 @@\n-b\n-c\n+x\n+y\n');
    assert.equal(lineChange('a\n', 'a\r\n'), undefined);
    assert.deepEqual(lineChange('a\na\n', 'a\na\na\n'), { startLine: 2, removed: [], added: ['a'] });
  });

  it('asks for what is used and defined elsewhere, nearest first, never twice', () => {
    const lines = [
      "import { Store, type Item } from './store';",
      "import * as files from 'node:fs';",
      'import {',
      '  format,',
      "} from './format';",
      "import unused from './unused';",
      '',
      'function far() {',
      '  return Store.all();',
      '}',
      'function near(items: Item[]) {',
      '  const text = format(items);',
      '  // compute(text)',
      "  log('print(text)');",
      '  return local(text);',
      '}',
    ];
    const region: LineBlock = { startLine: 10, endLine: 16 };
    const asked = namesToAsk(lines, region, 11);
    const names = asked.filter(({ kind }) => kind === 'name').map(({ name }) => name);
    assert.deepEqual(names.slice(0, 2), ['format', 'Item']);
    assert.ok(names.includes('local') && names.includes('log'));
    assert.equal(new Set(names).size, names.length);
    assert.ok(!names.includes('compute') && !names.includes('print') && !names.includes('Store'));
    const modules = asked.filter(({ kind }) => kind === 'module');
    assert.deepEqual(
      modules.map(({ name, line, character }) => [
        name,
        line,
        lines[line]?.slice(character, character + name.length),
      ]),
      [
        ['./store', 0, './store'],
        ['./format', 4, './format'],
      ],
    );
    assert.equal(lines[11]?.slice(asked[0]?.character).startsWith('format'), true);
  });

  it('chooses the best parts that fit and do not overlap', () => {
    const chosen = chooseParts(
      [
        part('a', { score: 1, text: 'x'.repeat(60), endLine: 10 }),
        part('a', { score: 2, text: 'y'.repeat(60), startLine: 5, endLine: 15 }),
        part('b', { score: 3, text: 'z'.repeat(50) }),
        part('c', { score: 0.1, text: 'w'.repeat(41) }),
        part('a', { score: 0.05, source: 'recentEdit', startLine: 5, endLine: 6, text: '-' }),
      ],
      150,
    );
    // 'c' would be one character too many; the little one behind it still fits.
    assert.deepEqual(
      chosen.map(({ path, score }) => `${path} ${String(score)}`),
      ['b 3', 'a 2', 'a 0.05'],
    );
  });

  it('keeps what was shown where it was, and adds what changes least first', () => {
    const definition = part('d', { source: 'definition', score: 2 });
    const edit = part('e', { source: 'recentEdit' });
    const open = part('o');
    const better = part('p', { score: 0.9 });
    assert.deepEqual(orderParts([edit, better, open, definition], []), [definition, open, better, edit]);
    const again = orderParts(
      [{ ...edit }, definition, part('n', { source: 'import', score: 1 })],
      [open, edit],
    );
    assert.deepEqual(
      again.map(({ path }) => path),
      ['e', 'd', 'n'],
    );
  });

  it('remembers small edits, one for what was changed in one place', () => {
    const edits = new RecentEdits();
    const text = Array.from({ length: 40 }, (_, i) => `line${String(i)}`);
    const settle = (changes: Record<number, string>): void => {
      edits.settle('u', text.map((line, i) => changes[i] ?? line).join('\n'));
    };
    edits.start('u', text.join('\n'));
    settle({ 3: 'thr' });
    settle({ 3: 'three' });
    assert.deepEqual(
      edits.all().map(({ diff }) => diff),
      ['@@ -4 +4 @@\n-line3\n+three\n'],
    );
    settle({ 3: 'three', 30: 'thirty' });
    assert.equal(edits.all().length, 2);
    settle({ 3: 'three' }); // taken back
    assert.deepEqual(
      edits.all().map(({ change }) => change.added),
      [['three']],
    );
    settle({ 3: 'three', 39: 'pasted\n'.repeat(100) });
    assert.equal(edits.all().length, 1, 'what was pasted is no edit');
    for (let i = 0; i < 20; i += 1) {
      edits.start(`v${String(i)}`, 'a\n');
      edits.settle(`v${String(i)}`, 'b\n');
    }
    assert.equal(edits.all().length, 8);
  });
});
