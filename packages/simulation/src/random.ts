/**
 * The simulator's own draws: SplitMix32. Kept apart from the fabric's generator, so that a change in
 * the network's timing does not change which faults a seed has.
 */
export class Random {
  readonly #seed: number;
  #state: number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#state = this.#seed;
  }

  /**
   * A generator for one purpose, which follows from this one's seed and the label only: leaving one
   * purpose out, as the minimiser does, leaves what the others draw as it was.
   */
  fork(label: string): Random {
    let hash = this.#seed ^ 0x811c_9dc5;
    for (let at = 0; at < label.length; at++)
      hash = Math.imul(hash ^ label.charCodeAt(at), 0x0100_0193);
    return new Random(hash ^ (hash >>> 15));
  }

  /** A fraction in [0, 1). */
  fraction(): number {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 0x1_0000_0000;
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** An integer in [min, max], both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
}
