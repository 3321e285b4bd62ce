/** Typing appends to the prompt and nothing else: what is computed for a keystroke is what was typed. */
import * as assert from 'node:assert/strict';
import { LspClient } from './lspClient';

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
});
