/** A take-over takes a fraction of a millisecond. When it takes longer, priority is not what it lacks. */
const BOOST_LIMIT_US = 3000;

/**
 * Lets the replication plane's thread run before everything else of normal priority while a take-over
 * is under way: the killed leader's process is just being torn down, and the machine's other work does
 * not wait either.
 *
 * Never for long, whatever happens: a thread that spins at a real-time priority starves a core.
 */
export class TakeOverBoost {
  readonly #raise: (raised: boolean) => void;
  #sinceUs = Number.NEGATIVE_INFINITY;
  #raised = false;

  constructor(raise: (raised: boolean) => void) {
    this.#raise = raise;
  }

  /** A candidacy began. */
  begin(nowUs: number): void {
    this.#sinceUs = nowUs;
  }

  /** Once a round; `wanted` while permissions are sought or held. */
  step(wanted: boolean, nowUs: number): void {
    const raised = wanted && nowUs - this.#sinceUs < BOOST_LIMIT_US;
    if (raised === this.#raised) return;
    this.#raised = raised;
    this.#raise(raised);
  }
}
