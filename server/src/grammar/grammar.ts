/**
 * Grammars as plain data: what a text may look like. Whoever wants a text of a certain form writes one (conversation/masks makes
 * them of JSON schemas and of tool calls, ebnf.ts of a notation); the engine decodes by it (engine/guide).
 */

/** What a piece of text may be. */
export type Expression =
  /** Exactly this. */
  | { readonly kind: 'text'; readonly text: string }
  /** One character, whose code point lies in one of the ranges (both ends included), or with `except` in none of them. */
  | {
      readonly kind: 'character';
      readonly ranges: readonly (readonly [number, number])[];
      readonly except?: boolean;
    }
  | { readonly kind: 'sequence'; readonly of: readonly Expression[] }
  | { readonly kind: 'choice'; readonly of: readonly Expression[] }
  /** `least` to `most` times; `most` absent = without a bound. */
  | { readonly kind: 'repeat'; readonly of: Expression; readonly least: number; readonly most?: number }
  | { readonly kind: 'rule'; readonly name: string }
  /**
   * Any text. Where it has just said one of the `tags`' `begin`, the tag's `then` follows, and after that any text again. `required`:
   * it does not end before a tag has.
   */
  | { readonly kind: 'free'; readonly tags: readonly Tag[]; readonly required?: boolean }
  /**
   * One or more successive whole lines of a text, with the line ends between them, but not the last one's. `unique`: it ends only where what was
   * said stands at one place of the text alone, and is not blank.
   */
  | { readonly kind: 'lines'; readonly of: string; readonly most?: number; readonly unique?: boolean }
  /**
   * Any number of pieces of a text, each named by `unique` lines, in the order of the text and apart: `begin`, the lines, `then`. None where no
   * lines are left that name a place.
   */
  | {
      readonly kind: 'pieces';
      readonly of: string;
      readonly most?: number;
      readonly begin: Expression;
      readonly then: Expression;
    };

export interface Tag {
  /** Not empty, and no part of another tag's. */
  readonly begin: string;
  readonly then: Expression;
}

export interface Grammar {
  /** The name of the rule that the whole text follows. */
  readonly root: string;
  readonly rules: Readonly<Record<string, Expression>>;
}

/** A grammar that cannot be decoded by. `message` says why; it may be shown to the user. */
export class GrammarError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'GrammarError';
  }
}

// ---------------------------------------------------------------------------------------------------------- short ways to write them

export const text = (value: string): Expression => ({ kind: 'text', text: value });
export const sequence = (...of: Expression[]): Expression => ({ kind: 'sequence', of });
export const choice = (...of: Expression[]): Expression => ({ kind: 'choice', of });
export const rule = (name: string): Expression => ({ kind: 'rule', name });
export const repeat = (of: Expression, least: number, most?: number): Expression =>
  most === undefined ? { kind: 'repeat', of, least } : { kind: 'repeat', of, least, most };
export const optional = (of: Expression): Expression => repeat(of, 0, 1);
export const empty: Expression = sequence();

/** Characters as regular expressions' classes write them, without escapes: 'a-z_' ('-' stands at the end or between two ends). */
export function characters(set: string, except = false): Expression {
  const points = Array.from(set, (character) => character.codePointAt(0) ?? 0);
  const ranges: [number, number][] = [];
  for (let i = 0; i < points.length; i += 1) {
    const from = points[i] ?? 0;
    const isRange = points[i + 1] === 0x2d && i + 2 < points.length;
    ranges.push([from, isRange ? (points[i + 2] ?? 0) : from]);
    i += isRange ? 2 : 0;
  }
  return except ? { kind: 'character', ranges, except } : { kind: 'character', ranges };
}
