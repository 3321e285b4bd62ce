/**
 * The same file through llama.cpp and through our engine: the same tokens in, the same greedy text out. Both compute with 8-bit
 * activations of their own kind, so either may choose differently where the reference's best two tokens are nearly equal; from
 * there on they write different texts, and the comparison ends.
 *
 * Needs the peer: "node bench/peer/setup.mjs", or NIWAKI_PEER=1, which does that first.
 */
import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../../bench/peer/client.mjs';
import { missing, setUpPeer } from '../../bench/peer/setup.mjs';
import type { TokenId } from '../../server/src/engine/port';
import { Bench, modelPath, root } from './support';

interface Golden {
  readonly prompts: readonly {
    readonly name: string;
    readonly text: string;
    readonly ids: readonly TokenId[];
    readonly greedy_ids: readonly TokenId[];
    /** Best logit less the second best, before each greedy token. */
    readonly greedy_margins: readonly number[];
  }[];
}

const steps = 64;
/** Where the reference's margin is smaller than this, either engine may be off. */
const tolerance = 0.25;
const { prompts } = JSON.parse(
  readFileSync(join(root, 'test', 'golden', 'nano-reference.json'), 'utf8'),
) as Golden;

function commonLength(a: readonly TokenId[], b: readonly TokenId[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) {
    length += 1;
  }
  return length;
}

describe('native engine: the same text as llama.cpp', function () {
  this.timeout(120_000);
  let bench: Bench;
  let peer: Child;

  before(async function () {
    if (process.env['NIWAKI_PEER'] === '1') {
      setUpPeer();
    }
    const lacking = missing();
    if (lacking !== '') {
      console.log(`      skipped: ${lacking} ("node bench/peer/setup.mjs" or NIWAKI_PEER=1 installs it)`);
      this.skip();
    }
    bench = await Bench.open();
    peer = new Child(join(root, 'bench', 'peer', 'llama.mjs'));
    await peer.ask('load', { path: modelPath });
    await peer.ask('configure', { contextSize: 1024, threads: 1, flashAttention: false, batchSize: 512 });
  });
  after(async () => {
    // Both are missing when the suite was skipped.
    await (bench as Bench | undefined)?.engine.dispose();
    await (peer as Child | undefined)?.close();
  });

  for (const { name, text, ids, greedy_ids: golden, greedy_margins: margins } of prompts) {
    it(name, async () => {
      assert.deepEqual(await bench.engine.tokenize(bench.model, text, true), ids, 'our tokens');
      assert.deepEqual(await peer.ask('tokenize', { text }), ids, "the peer's tokens");

      const ours = (await bench.generate({ tokens: ids, maxTokens: steps, sampling: {} })).tokens;
      const theirs = (await peer.ask('greedy', { tokens: ids, count: steps })) as readonly TokenId[];
      assert.equal(theirs.length, steps);
      assert.equal(ours.length, steps);
      // The margins hold as long as the text is the reference's.
      const parted = Math.min(commonLength(ours, theirs), commonLength(ours, golden));
      const where = `${String(parted)} of ${String(steps)} tokens equal`;
      if (parted < steps) {
        const margin = margins[parted] as number;
        console.log(`      ${where}, the reference's margin there is ${String(margin)}`);
        assert.ok(margin < tolerance, `${name}: ${where}, but the margin there is ${String(margin)}`);
      }
    });
  }

  it('agrees to the end in most of them', async () => {
    // Guards against a comparison that always ends at once: the tolerance alone would allow that in some prompts.
    let equal = 0;
    for (const { ids } of prompts) {
      const ours = (await bench.generate({ tokens: ids, maxTokens: steps, sampling: {} })).tokens;
      const theirs = (await peer.ask('greedy', { tokens: ids, count: steps })) as readonly TokenId[];
      equal += commonLength(ours, theirs) === steps ? 1 : 0;
    }
    assert.ok(equal >= 4, `${String(equal)} of ${String(prompts.length)} texts are equal to the last token`);
  });
});
