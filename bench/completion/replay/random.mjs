/** Numbers that are the same for the same seed, on every machine. */

/** A generator after Bob Jenkins' small fast one (32 bits a step). */
export class Random {
  #a;
  #b;
  #c;
  #d;

  constructor(seed) {
    [this.#a, this.#b, this.#c, this.#d] = [0xf1ea5eed, seed | 0, seed | 0, seed | 0];
    for (let i = 0; i < 20; i += 1) {
      this.next();
    }
  }

  /** In [0, 1). */
  next() {
    const turn = (x, k) => (x << k) | (x >>> (32 - k));
    const e = (this.#a - turn(this.#b, 27)) | 0;
    this.#a = this.#b ^ turn(this.#c, 17);
    this.#b = (this.#c + this.#d) | 0;
    this.#c = (this.#d + e) | 0;
    this.#d = (e + this.#a) | 0;
    return (this.#d >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, below). */
  below(below) {
    return Math.floor(this.next() * below);
  }

  chance(share) {
    return this.next() < share;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** Log-normal, by its median and the standard deviation of its logarithm. */
  logNormal(median, sigma) {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return median * Math.exp(sigma * normal);
  }
}
