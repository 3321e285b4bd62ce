/** A small, fast, seeded generator (Marsaglia's xorshift32): the same numbers on every machine. Not for statistics. */
export class Random {
  private state: number;

  constructor(seed: number) {
    // 0 is the one state that xorshift never leaves. A few steps, so that neighbouring seeds part.
    this.state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 0 || 1;
    for (let i = 0; i < 8; i += 1) {
      this.next();
    }
  }

  /** 32 random bits, as a signed integer. */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x;
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    return (this.next() >>> 0) % limit;
  }

  fill(words: Uint32Array): void {
    let x = this.state;
    for (let i = 0; i < words.length; i += 1) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      words[i] = x;
    }
    this.state = x;
  }
}
