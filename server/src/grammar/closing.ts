/** What completes a text that follows a grammar. */
import type { Grammar } from './grammar';
import { dead, Machine } from './machine';

/**
 * The shortest text that completes `said` so that the whole follows the grammar: what is required is there, in its shortest form, and
 * nothing else. '' where `said` is complete; undefined where nothing can complete it. Counted in bytes; the engine counts in tokens.
 * `said` may end within a character only where it ends with a lone half of a surrogate pair, which completes nothing.
 */
export function shortestClosing(grammar: Grammar, said: string): string | undefined {
  const machine = new Machine(grammar);
  const state = machine.read(Buffer.from(said));
  const closing = machine.shortest(state);
  return state === dead || closing === undefined ? undefined : Buffer.from(closing).toString();
}

/** Whether the whole text follows the grammar. */
export function follows(grammar: Grammar, said: string): boolean {
  const machine = new Machine(grammar);
  return machine.accepts(machine.read(Buffer.from(said)));
}
