/**
 * How far generated JSON may go where its schema sets no limit: a small model that is free to go on may never come to an end. What a
 * schema demands (minLength, minItems) is given beyond the bounds; what it merely allows is not.
 */
export interface JsonBounds {
  /** Characters of a string, and of a key of an object that names none. */
  readonly stringLength: number;
  readonly keyLength: number;
  /** Digits before, and behind the point of a number. */
  readonly digits: number;
  /** Elements of an array, members of an object that names none. */
  readonly items: number;
  /** How often values of unknown form, and references that lead back to themselves, may lie within each other. */
  readonly depth: number;
  /**
   * White space between tokens of JSON. 'compact': none; 'spaced': one space behind every colon and comma, as most models were shown it
   * (the more is known, the more can be said without asking the model); 'free': none, one space or one line feed, as the model likes.
   */
  readonly whitespace: 'compact' | 'spaced' | 'free';
}

export const defaultBounds: JsonBounds = {
  stringLength: 4096,
  keyLength: 64,
  digits: 12,
  items: 64,
  depth: 5,
  whitespace: 'free',
};
