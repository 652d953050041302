import { strict as assert } from 'node:assert';

/** Thresholds of the pull score. */
export interface PullScoreOptions {
  /** Highest score. */
  readonly cap: number;
  /** Below this a trusted peer is suspected. */
  readonly failBelow: number;
  /** Above this a suspected peer is trusted again. */
  readonly recoverAbove: number;
}

/**
 * Scores one peer by whether its heartbeat counter moved since the last pull.
 *
 * We read the counter from the peer's memory: a slow network delays our own samples and cannot make
 * a live peer look dead, which is why thresholds may be aggressive (Mu, section 5.1).
 */
export class PullScore {
  readonly #options: PullScoreOptions;
  #score: number;
  #counter = -1;
  #alive = true;
  #lastMovedUs = 0;

  constructor(options: PullScoreOptions, nowUs: number) {
    // A score of exactly both is neither.
    assert(options.failBelow <= options.recoverAbove, 'thresholds must leave a gap, or we flap');
    assert(options.recoverAbove < options.cap, 'a peer must be able to recover');
    this.#options = options;
    this.#score = options.cap;
    this.#lastMovedUs = nowUs;
  }

  get score(): number {
    return this.#score;
  }

  /** The verdict by score alone. */
  get alive(): boolean {
    return this.#alive;
  }

  /** When the counter was last seen to move. */
  get lastMovedUs(): number {
    return this.#lastMovedUs;
  }

  /** A pull returned this counter. */
  pulled(counter: number, nowUs: number): void {
    const moved = counter !== this.#counter;
    this.#counter = counter;
    if (moved) this.#lastMovedUs = nowUs;
    this.#change(moved ? 1 : -1);
  }

  /** A pull failed or did not complete: counts as not moved. */
  missed(): void {
    this.#change(-1);
  }

  /** The peer is known to be dead, or to stand still: no need to count down. */
  fell(): void {
    this.#score = 0;
    this.#alive = false;
  }

  #change(by: number): void {
    const { cap, failBelow, recoverAbove } = this.#options;
    this.#score = Math.min(cap, Math.max(0, this.#score + by));
    // Between the two thresholds the verdict stands: a slow peer must not flap.
    if (this.#score < failBelow) this.#alive = false;
    if (this.#score > recoverAbove) this.#alive = true;
  }
}
