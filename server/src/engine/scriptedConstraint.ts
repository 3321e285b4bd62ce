/** What the scripted engine says under a constraint: what its script says, completed and cut as the real engine's answer would be. */
import { GrammarError } from '../grammar/grammar';
import { dead, Machine } from '../grammar/machine';
import type { Constraint } from './constraint';
import { invalidArgument } from './errors';
import { EngineError } from './port';
import type { ScriptedTokenizer } from './scriptedTokenizer';

/**
 * A text that follows the constraint, of `maxTokens` tokens at the most: as much of the answer as can still be completed. Throws as
 * EnginePort.generate rejects, and `invalid_argument` where the answer is not even the beginning of a text that follows it: the
 * script is wrong.
 */
export function constrainedAnswer(
  answer: string,
  { grammar }: Constraint,
  maxTokens: number,
  tokenizer: ScriptedTokenizer,
): string {
  let machine: Machine;
  try {
    machine = new Machine(grammar);
  } catch (error) {
    throw error instanceof GrammarError ? new EngineError('unsupported', error.message) : error;
  }
  const completed = (said: string): string | undefined => {
    const closing = machine.shortest(machine.read(Buffer.from(said)));
    return closing === undefined ? undefined : said + Buffer.from(closing).toString();
  };
  if (machine.read(Buffer.from(answer)) === dead) {
    throw invalidArgument(
      `The script's answer does not follow the request's constraint: ${JSON.stringify(answer)}`,
    );
  }
  const tokens = tokenizer.encode(answer, false);
  for (let length = Math.min(tokens.length, maxTokens); length >= 0; length -= 1) {
    const text = completed(tokenizer.decode(tokens.slice(0, length)));
    if (text !== undefined && tokenizer.encode(text, false).length <= maxTokens) {
      return text;
    }
  }
  throw invalidArgument(
    `The answer must have a form that takes more than the ${String(maxTokens)} tokens that may be said. Allow more tokens, or ask for less.`,
  );
}
