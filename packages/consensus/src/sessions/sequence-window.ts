import { strict as assert } from 'node:assert';

/**
 * Numbers a session's commands, and keeps them so close together that the group remembers the reply
 * of each until its client has it.
 */
export class SequenceWindow {
  readonly #size: number;
  readonly #open = new Set<number>();
  #last = 0;

  /** `size` is how many replies the group keeps per session. */
  constructor(size: number) {
    assert(size > 0, 'a window holds at least one command');
    this.#size = size;
  }

  /** Commands under way. */
  get open(): number {
    return this.#open.size;
  }

  /** The next command's number; `undefined` as long as an older one must be answered first. */
  take(): number | undefined {
    // Taken in order, so the first is the lowest.
    for (const lowest of this.#open) {
      if (this.#last + 1 - lowest >= this.#size) return undefined;
      break;
    }
    this.#open.add(++this.#last);
    return this.#last;
  }

  /** A command was answered, or nobody wants its answer any more. */
  settle(sequence: number): void {
    this.#open.delete(sequence);
  }
}
