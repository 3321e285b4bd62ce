import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Syntax } from '../../../server/src/syntax';
import { Grammars } from '../../../server/src/syntax/grammars';
import { editBetween } from '../../../server/src/syntax/parsing';
import { largestParsed, Trees } from '../../../server/src/syntax/trees';
import { silentLog } from '../../../server/src/util/log';
import { grammarFolder } from './support';

const languageId = 'typescript';
const source = readFileSync(join(__dirname, '../../../server/src/completion/completer.ts'), 'utf8');

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state % below;
  };
}

describe('syntax: trees in step with documents', () => {
  const grammars = new Grammars(grammarFolder, silentLog);

  it('are the same after any edits as those of the text itself', async () => {
    const trees = new Trees(grammars);
    const next = random(7);
    const pieces = ['x', '{', '}', '\n', "'", '// ', '`${', 'if (a) {\n', '', '\u{1f333}', ');\r\n'];
    let text = source.slice(0, 6_000);
    for (let i = 0; i < 60; i += 1) {
      const at = next(text.length);
      text = text.slice(0, at) + (pieces[next(pieces.length)] ?? '') + text.slice(at + next(12));
      const edited = await trees.treeOf({ uri: 'file:///edited', languageId, text });
      const fresh = await new Trees(grammars).treeOf({ uri: 'file:///fresh', languageId, text });
      assert.ok(edited !== undefined && fresh !== undefined);
      // Where the text is broken two parses may disagree on how; where it begins and ends, and that it is whole, they may not.
      assert.equal(edited.rootNode.endIndex, fresh.rootNode.endIndex);
      if (!fresh.rootNode.hasError) {
        assert.equal(edited.rootNode.toString(), fresh.rootNode.toString());
      }
    }
    // And once it is whole again they agree to the last node.
    const edited = await trees.treeOf({ uri: 'file:///edited', languageId, text: source });
    const fresh = await new Trees(grammars).treeOf({ uri: 'file:///fresh', languageId, text: source });
    assert.equal(edited?.rootNode.hasError, false);
    assert.equal(edited.rootNode.toString(), fresh?.rootNode.toString());
    trees.dispose();
  }).timeout(20_000);

  it('find the one edit between two texts, with rows and columns', () => {
    assert.deepEqual(editBetween('a\nbcd\ne', 'a\nbXd\ne'), {
      startIndex: 3,
      oldEndIndex: 4,
      newEndIndex: 4,
      startPosition: { row: 1, column: 1 },
      oldEndPosition: { row: 1, column: 2 },
      newEndPosition: { row: 1, column: 2 },
    });
    assert.deepEqual(editBetween('aa', 'aaa').newEndIndex, 3);
    assert.deepEqual(editBetween('same', 'same').startIndex, 4);
  });

  it('answer somebody who types fast with the tree of the latest text', async () => {
    const trees = new Trees(grammars);
    const uri = 'file:///fast';
    const texts = Array.from({ length: 12 }, (_, i) => `${source.repeat(4)}\n${'x'.repeat(i)}`);
    const found = await Promise.all(texts.map((text) => trees.treeOf({ uri, languageId, text })));
    const latest = texts.at(-1) as string;
    assert.equal(found.at(-1)?.rootNode.endIndex, latest.length);
    assert.ok(found.slice(0, -1).every((tree) => tree === undefined));
    trees.dispose();
  });

  it('are made in slices: a long file does not hold up the process', async () => {
    const trees = new Trees(grammars);
    await trees.treeOf({ uri: 'file:///warm', languageId, text: source }); // the grammar is compiled at its first use
    const text = source.repeat(20);
    let turns = 0;
    let parsing = true;
    const count = (): void => {
      turns += 1;
      if (parsing) {
        setImmediate(count);
      }
    };
    const before = process.cpuUsage();
    setImmediate(count);
    const tree = await trees.treeOf({ uri: 'file:///long', languageId, text });
    parsing = false;
    // Of the processor's time: by the clock, whatever else runs on the machine would count as ours.
    const { user, system } = process.cpuUsage(before);
    const slice = (user + system) / 1000 / turns;
    assert.equal(tree?.rootNode.endIndex, text.length);
    console.log(`      ${String(text.length)} characters: ${String(turns)} slices of ${slice.toFixed(1)} ms`);
    // Without slices it would be one of a tenth of a second or more.
    assert.ok(slice < 10, `slices of ${String(slice)} ms`);
    trees.dispose();
  }).timeout(20_000);

  it('are not made of very large texts, nor without a grammar', async () => {
    const trees = new Trees(grammars);
    const large = 'a;\n'.repeat(largestParsed / 3 + 1);
    assert.equal(await trees.treeOf({ uri: 'file:///l', languageId, text: large }), undefined);
    assert.equal(await trees.treeOf({ uri: 'file:///m', languageId: 'markdown', text: '# a' }), undefined);
  });

  it('follow a document that changes its language', async () => {
    const trees = new Trees(grammars);
    const uri = 'file:///changing';
    const text = 'x = [1]\n';
    assert.equal((await trees.treeOf({ uri, languageId: 'python', text }))?.rootNode.type, 'module');
    assert.equal((await trees.treeOf({ uri, languageId: 'javascript', text }))?.rootNode.type, 'program');
    trees.dispose();
  });

  it('can be forgotten while they are made', async () => {
    const trees = new Trees(grammars);
    const tree = trees.treeOf({ uri: 'file:///gone', languageId, text: source.repeat(8) });
    await new Promise((resolve) => setTimeout(resolve, 5));
    trees.forget('file:///gone');
    assert.equal(await tree, undefined);
  });

  it('give way to the rules where the grammars cannot be loaded, which is said once', async () => {
    const said: string[] = [];
    const broken = new Syntax(join(grammarFolder, 'nowhere'), {
      ...silentLog,
      warn: (text) => said.push(text),
    });
    for (let i = 0; i < 3; i += 1) {
      const text = 'function f() {\n  \n}';
      const scope = await broken.scopeAt({ uri: `file:///${String(i)}`, languageId, text }, 17, 10_000);
      assert.equal(scope.source, 'rules');
      assert.equal(scope.multiLine, true);
    }
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /"typescript" cannot be used/);
  });
});
