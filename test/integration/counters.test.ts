/** Typing appends to the prompt and nothing else: what is computed for a keystroke is what was typed. */
import * as assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shapeNamed, writeGguf } from '../support/ggufWriter';
import { LspClient, root, settings } from './lspClient';

const uri = 'file:///w/src/long.ts';

/** Source-like text without many repetitions. */
function lines(count: number): string[] {
  return Array.from({ length: count }, (_, i) =>
    i % 7 === 0
      ? `export function step${String(i)}(input: number): number {`
      : i % 7 === 6
        ? '}'
        : `  const part${String(i)} = input * ${String(i)} + offset[${String(i % 5)}];`,
  );
}

/** Types `typed` at the end of line `at` and returns how many prompt tokens that took, without the first completion. */
async function tokensForTyping(
  client: LspClient,
  text: string[],
  at: number,
  typed: string,
): Promise<number> {
  await client.open(uri, text.join('\n'));
  let character = (text[at] as string).length;
  await client.complete(uri, { line: at, character });
  const before = (await client.status()).counters;
  for (const key of typed) {
    await client.insert(uri, { line: at, character }, key);
    character += 1;
    await client.complete(uri, { line: at, character });
  }
  const after = (await client.status()).counters;
  assert.equal(after.requests - before.requests, typed.length);
  assert.ok(after.runs > before.runs, 'at least some keystrokes ran the model');
  await client.close(uri);
  return after.tokensEvaluated - before.tokensEvaluated;
}

describe('integration: counters', function () {
  this.timeout(60_000);

  it('typing 20 characters in a 150-line file computes at most 64 prompt tokens', async () => {
    const client = await LspClient.start();
    await client.ready();
    for (const at of [40, 75, 120]) {
      const tokens = await tokensForTyping(client, lines(150), at, ' // zq 17 wholly new');
      console.log(`      line ${String(at)}: ${String(tokens)} tokens for 20 characters`);
      assert.ok(tokens <= 64, `${String(tokens)} tokens`);
    }
    await client.stop();
  });

  it('computes in advance what the first keystroke needs, once it knows where the cursor is', async () => {
    const client = await LspClient.start();
    await client.ready();
    const text = lines(150);
    await client.open(uri, text.join('\n'));
    const position = { line: 75, character: (text[75] as string).length };
    await client.cursor(uri, position);
    const warm = await client.until('warmed', ({ counters }) => counters.tokensWarmed > 0);
    assert.equal(warm.counters.runs + warm.counters.tokensEvaluated, 0);
    await client.insert(uri, position, ' ');
    await client.complete(uri, { ...position, character: position.character + 1 });
    const { counters } = await client.status();
    console.log(
      `      ${String(counters.tokensWarmed)} tokens in advance, ${String(counters.tokensEvaluated)} with the first key`,
    );
    assert.ok(counters.tokensWarmed > 500 && counters.tokensEvaluated <= 8);
    await client.until('at rest', ({ jobs }) => jobs.length === 0);
    await client.stop();
  });

  it('computes nothing in advance in quiet mode, and wakes no model for it', async () => {
    const quiet = await LspClient.start({ settings: { ...settings, quiet: 'always' } });
    await quiet.ready();
    await quiet.open(uri, lines(50).join('\n'));
    await quiet.cursor(uri, { line: 20, character: 0 });
    const asleep = await LspClient.start({
      settings: {
        ...settings,
        completion: { ...settings.completion, languages: { '*': true, plaintext: false } },
      },
    });
    await asleep.open(uri, 'x', 'plaintext');
    await asleep.cursor(uri, { line: 0, character: 0 });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal((await quiet.status()).counters.tokensWarmed, 0);
    assert.equal((await asleep.status()).state, 'asleep');
    await quiet.stop();
    await asleep.stop();
  });

  it('typing 20 characters in real source that just fits computes at most 64, the whole file in the prompt', async () => {
    const sample = readFileSync(join(root, 'test', 'fixtures', 'sample-project', 'src', 'orders.ts'), 'utf8');
    const text = `${sample}${sample}`.split('\n');
    const client = await LspClient.start();
    await client.ready();
    const tokens = await tokensForTyping(client, text, 150, ' // zq 17 wholly new');
    const prompt = await client.lastPrompt();
    console.log(`      ${String(tokens)} tokens for 20 characters, in a prompt of ${String(prompt?.tokens)}`);
    assert.ok((prompt?.tokens ?? 0) > 1300, 'the whole file');
    assert.ok(prompt?.text.includes(text.slice(0, 20).join('\n')));
    assert.ok(tokens <= 64, `${String(tokens)} tokens`);
    await client.stop();
  });

  it('typing 20 characters in a 1,500-line file computes at most 64, with a model of the 1.7B shape', async function () {
    this.timeout(240_000); // the first prompt takes ten seconds on a quiet machine
    // Two of its 28 layers: what is computed and what is reused does not depend on them, only the time does.
    const folder = mkdtempSync(join(tmpdir(), 'niwaki-'));
    try {
      const modelPath = join(folder, 'two-layers.gguf');
      writeGguf(modelPath, { shape: shapeNamed('qwen3-1.7B', 2) });
      const completion = { ...settings.completion, maxTokens: 2 };
      const client = await LspClient.start({ settings: { ...settings, modelPath, completion } });
      const status = await client.ready();
      assert.equal(status.problem, '');
      const text = Array.from({ length: 1500 }, (_, i) => `f${String(i % 10)}();`);
      const tokens = await tokensForTyping(client, text, 1450, ' // zq 17 wholly new');
      const prompt = await client.lastPrompt();
      console.log(
        `      ${String(tokens)} tokens for 20 characters, in a prompt of ${String(prompt?.tokens)}`,
      );
      assert.ok(prompt?.text.startsWith('f0();\n'), 'the whole file is in the prompt');
      assert.ok(tokens <= 64, `${String(tokens)} tokens`);
      await client.stop();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
