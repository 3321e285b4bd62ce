import * as assert from 'node:assert/strict';
import { healTokens } from '../../../server/src/prompt';

/** Tokens are bytes: several make a character. */
const bytes = (text: string): number[] => [...Buffer.from(text)];
const detokenize = (tokens: readonly number[]): Promise<string> =>
  Promise.resolve(Buffer.from(tokens).toString('utf8'));

describe('prompt: token healing', () => {
  it('drops the last token', async () => {
    assert.deepEqual(await healTokens('ab', bytes('ab'), 0, detokenize), {
      tokens: bytes('a'),
      dropped: 'b',
    });
  });

  it('never cuts a character in two', async () => {
    for (const character of ['é', '本', '🌳']) {
      const text = `x${character}`;
      assert.deepEqual(await healTokens(text, bytes(text), 0, detokenize), {
        tokens: bytes('x'),
        dropped: character,
      });
    }
  });

  it('drops nothing that it could not ask for again', async () => {
    const tokens = bytes('a🌳').slice(0, -1); // the end of a character is missing
    assert.deepEqual(await healTokens('a', tokens.slice(1), 0, detokenize), {
      tokens: tokens.slice(1),
      dropped: '',
    });
  });

  it('leaves as many tokens as it must', async () => {
    assert.deepEqual(await healTokens('ab', bytes('ab'), 2, detokenize), {
      tokens: bytes('ab'),
      dropped: '',
    });
    assert.deepEqual(await healTokens('', [], 0, detokenize), { tokens: [], dropped: '' });
  });
});
