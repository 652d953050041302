import { CircularArea, LOG_BEGIN, type LogGeometry, type LogOffset } from '@mu-smr/log';

/** Bytes that one step zeroes at most, so that no step takes long. */
const ZERO_BYTES_PER_STEP = 512 * 1024;

/**
 * Zeroes what everybody has applied and then moves the log's head, which lets the leader write there
 * again: continuous, in small steps, never stop-the-world (protocol.md, "Recycling").
 *
 * Runs on the thread that also switches permissions, because a relocation copies the log and must
 * not race with local writes to it.
 */
export class Recycler {
  readonly #log: Uint8Array;
  readonly #area: CircularArea;
  #head = LOG_BEGIN;

  constructor(log: Uint8Array, geometry: LogGeometry) {
    this.#log = log;
    this.#area = new CircularArea(geometry);
  }

  /** First offset that the ring still holds. */
  get head(): LogOffset {
    return this.#head;
  }

  /** The log begins at `base`, with nothing in it. */
  beginAt(base: LogOffset): void {
    this.#head = base;
  }

  /** Zeroes towards `releasable`. */
  step(releasable: LogOffset): void {
    if (releasable <= this.#head) return;
    const to = Math.min(releasable, this.#head + ZERO_BYTES_PER_STEP) as LogOffset;
    for (const { position, length } of this.#area.stretches(this.#head, to))
      this.#log.fill(0, position, position + length);
    // Only now: whoever sees the new head may write where the zeroes are.
    this.#head = to;
  }
}
