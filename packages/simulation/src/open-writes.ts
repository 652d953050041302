import type { SimWriteEvent } from '@mu-smr/verbs';

/**
 * Writes land in pieces, and may be cut off between any two: says how far the write of each poster
 * was looked at, so that every entry in it is seen as soon as it is whole.
 */
export class OpenWrites {
  /** By poster's queue pair: up to where its write was looked at, and where its next piece would be. */
  readonly #open = new Map<number, { readonly seen: number; readonly next: number }>();

  /** First byte of the piece's write that was not looked at. */
  seen(piece: SimWriteEvent): number {
    const open = this.#open.get(piece.sourceQueuePairNumber);
    return open?.next === piece.offset ? open.seen : piece.offset;
  }

  /** Everything below `seen` was looked at. */
  looked(piece: SimWriteEvent, seen: number): void {
    if (piece.last) this.#open.delete(piece.sourceQueuePairNumber);
    else this.#open.set(piece.sourceQueuePairNumber, { seen, next: piece.offset + piece.length });
  }

  /** The connection was set up anew: what was cut off is not continued. */
  cut(sourceQueuePairNumber: number): void {
    this.#open.delete(sourceQueuePairNumber);
  }
}
