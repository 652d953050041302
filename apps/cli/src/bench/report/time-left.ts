/**
 * How long a sequence of tasks will still take, from what each was expected to take and what those that
 * are done really took.
 */
export class TimeLeft {
  readonly #expectedAll: number;
  #expectedDone = 0;
  #took = 0;

  constructor(expectedAllSeconds: number) {
    this.#expectedAll = expectedAllSeconds;
  }

  /** A task that was expected to take so many seconds is done, so many seconds after the last. */
  done(expectedSeconds: number, tookSeconds: number): void {
    this.#expectedDone += expectedSeconds;
    this.#took += tookSeconds;
  }

  get seconds(): number {
    const rest = Math.max(0, this.#expectedAll - this.#expectedDone);
    // As slow as it was so far; before the first task is done, as expected.
    return this.#expectedDone === 0 ? rest : (rest * this.#took) / this.#expectedDone;
  }
}
