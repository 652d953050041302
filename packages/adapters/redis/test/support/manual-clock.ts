import type { Clock } from '../../src/index.js';

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now: number;
  #callbacks = new Set<() => void>();

  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  schedule(_delayMs: number, callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  /** Moves time on without waking anybody, as if timers were late. */
  advance(ms: number): void {
    this.#now += ms;
  }

  /** Runs everything that was scheduled. */
  tick(): void {
    const due = [...this.#callbacks];
    this.#callbacks.clear();
    for (const callback of due) callback();
  }
}
