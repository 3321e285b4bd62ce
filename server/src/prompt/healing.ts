/**
 * Token healing: a cursor stands inside a token most of the time, and a model that gets the first half of a token as tokens of
 * their own has never seen that ("items.pu" is `items`, `.p`, `u`; `.push` is one token). So the prompt's last tokens are dropped,
 * back to the beginning of the word, and the text that is generated must begin with the dropped text. (guidance's name for it.)
 */

export interface HealedTokens {
  readonly tokens: readonly number[];
  /** What the generated text must begin with; '' when nothing was dropped. */
  readonly dropped: string;
}

/** A word is seldom more; a character of four bytes can be spread over as many. */
const mostDropped = 6;
const wordCharacter = /[\p{L}\p{N}_$]/u;

/** Whether `text` without its end `dropped` would end inside a word. */
function cutsWord(text: string, dropped: string): boolean {
  const before = text.slice(0, text.length - dropped.length);
  return wordCharacter.test(dropped.slice(0, 1)) && wordCharacter.test(before.slice(-1));
}

/**
 * Drops the last token, and more where that would leave part of a word or of a character. `keep` tokens at least stay, so that
 * there is a prompt at all. `detokenize` must give U+FFFD for parts of characters.
 */
export async function healTokens(
  text: string,
  tokens: readonly number[],
  keep: number,
  detokenize: (tokens: readonly number[]) => Promise<string>,
): Promise<HealedTokens> {
  let healed: HealedTokens = { tokens, dropped: '' };
  for (let count = 1; count <= mostDropped && tokens.length - count >= keep; count += 1) {
    const dropped = await detokenize(tokens.slice(-count));
    if (dropped !== '' && text.endsWith(dropped)) {
      healed = { tokens: tokens.slice(0, -count), dropped };
      if (!cutsWord(text, dropped)) {
        break;
      }
    }
  }
  return healed;
}
