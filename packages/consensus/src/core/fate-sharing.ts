/**
 * Decides whether the heartbeat may be incremented: it must not speak for a replication plane that is
 * stuck (Mu, section 5.1: fate sharing; L6).
 *
 * The background plane asks for a sign of life now and then; any progress answers it.
 */
export class FateSharing {
  readonly #limitUs: number;
  #progress = -1;
  #since = 0;

  constructor(limitUs: number) {
    this.#limitUs = limitUs;
  }

  /** `progress` is any number that changes while the replication plane lives. */
  mayBeat(progress: number, nowUs: number): boolean {
    if (progress !== this.#progress) {
      this.#progress = progress;
      this.#since = nowUs;
    }
    return nowUs - this.#since <= this.#limitUs;
  }

  /** Whether it is time to ask the replication plane for a sign of life. */
  shouldAsk(nowUs: number): boolean {
    return nowUs - this.#since > this.#limitUs / 4;
  }
}
