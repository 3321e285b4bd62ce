import * as assert from 'node:assert/strict';
import { healTokens } from '../../../server/src/prompt';

/** Tokens are bytes: several make a character. */
const bytes = (text: string): number[] => [...Buffer.from(text)];
const detokenize = (tokens: readonly number[]): Promise<string> =>
  Promise.resolve(Buffer.from(tokens).toString('utf8'));

describe('prompt: token healing', () => {
  it('drops the last token', async () => {
    assert.deepEqual(await healTokens('a = (', bytes('a = ('), 0, detokenize), {
      tokens: bytes('a = '),
      dropped: '(',
    });
  });

  it('goes back to the beginning of the word', async () => {
    assert.deepEqual(await healTokens('items.pu', bytes('items.pu'), 0, detokenize), {
      tokens: bytes('items.'),
      dropped: 'pu',
    });
  });

  it('drops a bounded number of tokens', async () => {
    const word = 'incomprehensibilities';
    const { tokens, dropped } = await healTokens(word, bytes(word), 0, detokenize);
    assert.equal(dropped, 'lities');
    assert.equal(tokens.length, word.length - 6);
  });

  it('never cuts a character in two', async () => {
    for (const character of ['é', '本', '🌳']) {
      const text = `(${character}`;
      assert.deepEqual(await healTokens(text, bytes(text), 0, detokenize), {
        tokens: bytes('('),
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
