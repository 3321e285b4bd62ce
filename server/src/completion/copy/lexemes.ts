/** Lines as lexemes, coarse enough for every language: words, numbers, strings, single other characters, runs of blanks. */

export const enum Kind {
  word,
  number,
  string,
  blank,
  other,
}

export interface Lexeme {
  readonly kind: Kind;
  readonly text: string;
  /** Offset in the line. */
  readonly start: number;
}

const lexeme =
  /([\p{L}_$][\p{L}\p{N}_$]*)|(\d[\w.]*)|("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|`(?:[^`\\]|\\.)*`?)|(\s+)|([^])/gu;

/** All of the line's characters, in order. A string that does not end in the line goes on to its end. */
export function lexemesOf(line: string): readonly Lexeme[] {
  const found: Lexeme[] = [];
  for (const match of line.matchAll(lexeme)) {
    const kind =
      match[1] !== undefined
        ? Kind.word
        : match[2] !== undefined
          ? Kind.number
          : match[3] !== undefined
            ? Kind.string
            : match[4] !== undefined
              ? Kind.blank
              : Kind.other;
    found.push({ kind, text: match[0], start: match.index });
  }
  return found;
}
