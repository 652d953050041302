/** Something that must not wait for ever. */
export interface Deadline {
  readonly atMs: number;
  readonly expire: () => void;
  done: boolean;
}

/** How often deadlines are looked at: they are seconds, so this is exact enough and cheap. */
const SWEEP_MS = 20;

/** Deadlines of many calls with one timer, which runs only while there are any. */
export class Deadlines {
  #pending: Deadline[] = [];
  #timer: NodeJS.Timeout | undefined;

  add(deadline: Deadline): void {
    this.#pending.push(deadline);
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#pending = [];
  }

  #sweep(): void {
    const now = performance.now();
    const expired = this.#pending.filter((one) => !one.done && one.atMs <= now);
    this.#pending = this.#pending.filter((one) => !one.done && one.atMs > now);
    if (this.#pending.length === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    for (const one of expired) one.expire();
  }
}
