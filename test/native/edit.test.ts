/** Edits by the real engine: answers of weights at random, under the masks of edits. */
import * as assert from 'node:assert/strict';
import { applyEdits } from '#protocol';
import { editsOf } from '../../server/src/edit/changes';
import { blocksGrammar, formFor, rewriteGrammar } from '../../server/src/edit/forms';
import { DocumentLines } from '../../server/src/edit/lines';
import { Bench, needAddon } from './support';

describe('native: edits under masks', function () {
  this.timeout(60_000);
  let bench: Bench;
  before(async () => {
    needAddon();
    bench = await Bench.open(2);
  });
  after(() => bench.engine.dispose());

  const text = `head\n${Array.from({ length: 70 }, (_, i) => (i % 3 === 2 ? '}' : `  call(${String(i)});`)).join('\n')}\nfoot\n`;
  const lines = new DocumentLines(text);
  const range = { start: 1, end: 71 };
  const fence = '```';

  it('end, are found and apply, with few tokens and with many, with lookup and without', async () => {
    const original = lines.lines(range);
    assert.equal(formFor(original), 'blocks');
    const tokens = await bench.tokenize(text);
    for (const form of ['blocks', 'rewrite'] as const) {
      const grammar = form === 'blocks' ? blocksGrammar(fence, original.join('\n')) : rewriteGrammar(fence);
      for (const [seed, maxTokens] of [4, 60, 61, 90, 200].entries()) {
        const asked = { tokens, maxTokens, constraint: { grammar }, sampling: { temperature: 1.2, seed } };
        const plain = await bench.generate(asked);
        const drafted = await bench.generate({ ...asked, lookup: { expected: tokens } });
        assert.deepEqual(drafted.tokens, plain.tokens);
        assert.ok(plain.tokens.length <= maxTokens && plain.text.endsWith(fence), plain.text);
        const said = plain.text.slice(0, -fence.length);
        const { edits, problem } = editsOf(said, { lines, range, form });
        assert.equal(problem, '', said);
        const after = applyEdits(text, edits);
        assert.ok(after.startsWith('head\n') && after.endsWith('\nfoot\n'), said);
      }
    }
  });
});
