/** The part of the port that is about answers of a given form. */
import type { Grammar } from '../grammar/grammar';

/**
 * However few tokens an answer gets, it follows the grammar to its end: when the tokens that are left (`maxTokens`, or the session's
 * room) become few, only what can still be completed may be said, in the end the shortest closing.
 */
export interface Constraint {
  readonly grammar: Grammar;
  /** Whether what must come is said at once, several tokens in one pass, without asking the model; true when absent. */
  readonly jump?: boolean;
}
