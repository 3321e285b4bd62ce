/**
 * The tokenizer of the scripted engine: deterministic, byte-exact for well-formed text, with tokens of several characters and
 * with control tokens, so that token healing and prefix reuse meet the same cases as with a real vocabulary.
 *
 * Ids: 0..65535 single UTF-16 code units; from 65536 the control tokens; behind them words, in the order in which they were
 * first seen.
 */
import type { SpecialToken, TokenId } from './port';

const firstControlId = 0x10000;

/** Control tokens of the Qwen2 vocabulary, which is what the real models use. */
export const scriptedControlTokens = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<|fim_prefix|>',
  '<|fim_middle|>',
  '<|fim_suffix|>',
  '<|fim_pad|>',
  '<|repo_name|>',
  '<|file_sep|>',
  '<think>',
  '</think>',
] as const;

/** Words with one leading space, single digits, runs of spaces, of line ends and of signs: the shape of BPE pre-tokens. */
const pieces = / ?\p{L}+|\p{N}|[ \t]+|(?:\r?\n)+|[^\s\p{L}\p{N}]{1,2}|[^]/gu;
const loneSurrogate = /\p{Surrogate}/u;
/** Longer words are split, so that no word is a token of its own however long. */
const longestPiece = 8;

export class ScriptedTokenizer {
  readonly endOfText: TokenId = firstControlId;
  private readonly texts: string[] = [...scriptedControlTokens];
  private readonly ids = new Map<string, TokenId>();

  get size(): number {
    return firstControlId + this.texts.length;
  }

  encode(text: string, parseSpecial: boolean): TokenId[] {
    if (!parseSpecial) {
      return this.encodePlain(text);
    }
    const ids: TokenId[] = [];
    let rest = text;
    while (rest !== '') {
      const next = this.firstControl(rest);
      if (next === undefined) {
        break;
      }
      ids.push(...this.encodePlain(rest.slice(0, next.at)), next.id);
      rest = rest.slice(next.at + next.length);
    }
    ids.push(...this.encodePlain(rest));
    return ids;
  }

  decode(ids: readonly TokenId[]): string {
    // Through UTF-8, which turns halves of surrogate pairs into U+FFFD.
    return Buffer.from(ids.map((id) => this.text(id)).join('')).toString();
  }

  /** The exact text of one token; '' for ids that nobody gave out. */
  text(id: TokenId): string {
    return id < firstControlId ? String.fromCharCode(id) : (this.texts[id - firstControlId] ?? '');
  }

  isControl(id: TokenId): boolean {
    return id >= firstControlId && id < firstControlId + scriptedControlTokens.length;
  }

  find(text: string): TokenId {
    const control = scriptedControlTokens.findIndex((candidate) => candidate === text);
    if (control >= 0) {
      return firstControlId + control;
    }
    const ids = this.encodePlain(text);
    return ids.length === 1 ? (ids[0] as TokenId) : -1;
  }

  specials(): readonly SpecialToken[] {
    return scriptedControlTokens.map((text, i) => ({ id: firstControlId + i, text, inAllText: false }));
  }

  private encodePlain(text: string): TokenId[] {
    const ids: TokenId[] = [];
    for (const [piece] of text.matchAll(pieces)) {
      for (let at = 0; at < piece.length; at += longestPiece) {
        ids.push(...this.wordIds(piece.slice(at, at + longestPiece)));
      }
    }
    return ids;
  }

  private wordIds(word: string): TokenId[] {
    if (word.length === 1 || loneSurrogate.test(word)) {
      return Array.from({ length: word.length }, (_, i) => word.charCodeAt(i));
    }
    let id = this.ids.get(word);
    if (id === undefined) {
      id = this.size;
      this.texts.push(word);
      this.ids.set(word, id);
    }
    return [id];
  }

  private firstControl(text: string): { at: number; length: number; id: TokenId } | undefined {
    let first: { at: number; length: number; id: TokenId } | undefined;
    scriptedControlTokens.forEach((token, i) => {
      const at = text.indexOf(token);
      if (at >= 0 && (first === undefined || at < first.at)) {
        first = { at, length: token.length, id: firstControlId + i };
      }
    });
    return first;
  }
}
