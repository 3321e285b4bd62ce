/** A model's tokens as bytes, and what it takes to say something with them. */
import { likedByte, type Costs } from './nodes';
import { TokenTree } from './tokenTree';

/** As the addon hands it out. */
export interface TokenBytes {
  /** Of all tokens, one after the other. */
  readonly bytes: Uint8Array;
  /** [tokens]: where each one's bytes end. */
  readonly ends: Uint32Array;
  /** [tokens]: 1 for tokens that are no text: they never come within one. */
  readonly control: Uint8Array;
}

/**
 * Tokens of more bytes are few. What a mask says of the others depends less on how much of a repetition is left, so both are walked
 * apart (masks.ts).
 */
export const shortBytes = 24;

export class Vocabulary implements Costs {
  readonly size: number;
  readonly short: TokenTree;
  readonly long: TokenTree;
  /** Further tokens with the bytes of one that is in a tree. */
  readonly twins = new Map<number, number[]>();
  private readonly singles = new Int32Array(256).fill(-1);

  constructor(private readonly tokens: TokenBytes) {
    this.size = tokens.ends.length;
    const ids = new Map<string, number>();
    const short: string[] = [];
    const long: string[] = [];
    for (let id = 0; id < this.size; id += 1) {
      const bytes = this.bytesOf(id);
      if (bytes.length === 0 || tokens.control[id] !== 0) {
        continue;
      }
      // A character a byte: strings compare as their bytes do.
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
      const there = ids.get(text);
      if (there === undefined) {
        ids.set(text, id);
        (text.length > shortBytes ? long : short).push(text);
      } else {
        this.twins.set(there, [...(this.twins.get(there) ?? []), id]);
      }
      if (text.length === 1) {
        this.singles[text.charCodeAt(0)] = id;
      }
    }
    this.short = new TokenTree(short, ids);
    this.long = new TokenTree(long, ids);
  }

  bytesOf(id: number): Uint8Array {
    return this.tokens.bytes.subarray(id === 0 ? 0 : this.tokens.ends[id - 1], this.tokens.ends[id]);
  }

  isControl(id: number): boolean {
    return this.tokens.control[id] !== 0;
  }

  byte(low: number, high: number): number | undefined {
    const liked = likedByte(low, high);
    if ((this.singles[liked] ?? -1) >= 0) {
      return liked;
    }
    for (let byte = low; byte <= high; byte += 1) {
      if ((this.singles[byte] ?? -1) >= 0) {
        return byte;
      }
    }
    return undefined;
  }

  literal(bytes: Uint8Array): Float64Array {
    const costs = new Float64Array(bytes.length + 1);
    for (let at = bytes.length - 1; at >= 0; at -= 1) {
      costs[at] = Infinity;
      this.prefixes(bytes, at, (_, end) => {
        costs[at] = Math.min(costs[at] ?? Infinity, 1 + (costs[end] ?? Infinity));
      });
    }
    return costs;
  }

  /** As few tokens as possible that say the bytes; undefined where there are none. */
  fewest(bytes: Uint8Array): number[] | undefined {
    const costs = this.literal(bytes);
    const ids: number[] = [];
    for (let at = 0; at < bytes.length;) {
      let next: { readonly id: number; readonly end: number } | undefined;
      this.prefixes(bytes, at, (id, end) => {
        next = costs[end] === (costs[at] ?? 0) - 1 ? { id, end } : next;
      });
      if (next === undefined) {
        return undefined;
      }
      ids.push(next.id);
      at = next.end;
    }
    return ids;
  }

  private prefixes(bytes: Uint8Array, from: number, found: (id: number, end: number) => void): void {
    this.short.prefixes(bytes, from, found);
    this.long.prefixes(bytes, from, found);
  }
}
