import type { CommandSink } from '../log/batch.js';

/**
 * Puts the replies of one client into the order of its requests.
 *
 * Replies may be ready in any order; those at the front are handed on as soon as they are.
 */
export class ReplyQueue {
  readonly #onReady: (bytes: Buffer) => void;
  readonly #onClose: () => void;
  #slots: Slot[] = [];
  #head = 0;
  #closed = false;
  #closing = false;

  constructor(onReady: (bytes: Buffer) => void, onClose: () => void) {
    this.#onReady = onReady;
    this.#onClose = onClose;
  }

  /** Requests without a reply yet. */
  get pendingCount(): number {
    return this.#slots.length - this.#head;
  }

  /** Takes the next place in the order of replies. */
  open(): CommandSink {
    const slot = new Slot(this);
    this.#slots.push(slot);
    return slot;
  }

  /** A reply that ends the connection is in the queue: nothing behind it may be executed. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Answers at once, though in its turn. */
  answer(bytes: Buffer, close = false): void {
    this.#closing ||= close;
    this.open().refuse(bytes, close);
  }

  /** Ends the connection once everything before this point is answered. */
  end(): void {
    this.answer(NOTHING, true);
  }

  settled(slot: Slot): void {
    if (slot !== this.#slots[this.#head]) return;
    while (this.#head < this.#slots.length && !this.#closed) {
      const { bytes, close } = this.#slots[this.#head];
      if (bytes === undefined) break;
      this.#head++;
      if (bytes.length > 0) this.#onReady(bytes);
      if (close) {
        this.#closed = true;
        this.#onClose();
      }
    }
    if (this.#head === this.#slots.length || this.#head > TRIM_COUNT) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
  }
}

class Slot implements CommandSink {
  readonly #queue: ReplyQueue;
  bytes: Buffer | undefined;
  close = false;

  constructor(queue: ReplyQueue) {
    this.#queue = queue;
  }

  reply(bytes: Buffer): void {
    this.refuse(bytes, false);
  }

  refuse(bytes: Buffer, close: boolean): void {
    // The first answer stands: a reply may still come for a command whose outcome was called unknown.
    if (this.bytes !== undefined) return;
    this.bytes = bytes;
    this.close = close;
    this.#queue.settled(this);
  }
}

const NOTHING = Buffer.alloc(0);
const TRIM_COUNT = 4096;
