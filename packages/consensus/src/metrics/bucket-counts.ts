/** Upper bounds in seconds: one to two to five, from a microsecond to ten seconds. */
export const LATENCY_BOUNDS: readonly number[] = [-6, -5, -4, -3, -2, -1, 0, 1].flatMap((power) =>
  (power === 1 ? [1] : [1, 2, 5]).map((digit) => Number(`${digit}e${power}`)),
);

/** A histogram that is counted into without allocating, and read when somebody asks. */
export class BucketCounts {
  sum = 0;
  /** One more than there are bounds: the last counts what is above all of them. */
  readonly #counts = new Float64Array(LATENCY_BOUNDS.length + 1);

  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < LATENCY_BOUNDS.length && seconds > LATENCY_BOUNDS[bucket]) bucket++;
    this.#counts[bucket]++;
    this.sum += seconds;
  }

  get count(): number {
    return this.#counts.reduce((all, one) => all + one, 0);
  }

  /** How many were at most as long as each bound. */
  get cumulative(): number[] {
    let below = 0;
    return LATENCY_BOUNDS.map((_, bucket) => (below += this.#counts[bucket]));
  }
}
