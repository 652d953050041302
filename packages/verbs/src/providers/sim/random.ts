/**
 * A small seeded generator, so that a run is its seed: xoshiro128** 1.1 by Blackman and Vigna
 * (public domain, prng.di.unimi.it/xoshiro128starstar.c), its state filled by SplitMix32.
 */
export class Random {
  readonly #state = new Uint32Array(4);

  constructor(seed: number) {
    let x = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e37_79b9) >>> 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
      this.#state[i] = z ^ (z >>> 15);
    }
    // An all-zero state would stay zero for ever.
    if ((this.#state[0] | this.#state[1] | this.#state[2] | this.#state[3]) === 0)
      this.#state[0] = 1;
  }

  /** The next 32 bits, as an unsigned number. */
  next(): number {
    const s = this.#state;
    const product = Math.imul(s[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** A fraction in [0, 1). */
  fraction(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** An integer in [min, max], both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** True with the given probability. Draws even for 0 and 1: tuning a fault keeps the sequence. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }
}
