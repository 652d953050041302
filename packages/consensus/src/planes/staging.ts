import { entryBytes, type LogGeometry } from '@mu-smr/log';

/** Bytes of a slot's beginning that a new leader reads first; short entries fit whole. */
export const SLOT_PEEK_BYTES = 4096;

/**
 * How the staging region is divided: a ring in which entries are composed, then one area per lane
 * for what the slow path reads and writes.
 */
export class StagingLayout {
  readonly ringBytes: number;
  /** Longest slot that can be read. */
  readonly slotBytes: number;
  readonly #areaBytes: number;
  readonly #lanes: number;

  constructor(geometry: LogGeometry, lanes: number) {
    // Twice the window: an entry's bytes must stay until its last completion, and none straddles.
    this.ringBytes = geometry.windowBytes * 2;
    this.slotBytes = Math.max(SLOT_PEEK_BYTES, entryBytes(geometry.payloadBytesMax));
    this.#areaBytes = this.slotBytes + 256;
    this.#lanes = lanes;
  }

  get totalBytes(): number {
    return this.ringBytes + this.#lanes * this.#areaBytes;
  }

  /** Where a lane's header cells are read and written: 256 bytes. */
  cellsAt(lane: number): number {
    return this.ringBytes + lane * this.#areaBytes;
  }

  /** Where an announcement to a lane is composed. */
  commitAt(lane: number): number {
    return this.cellsAt(lane) + 160;
  }

  /** Eight bytes that nobody reads, for permission proofs. */
  proofAt(lane: number): number {
    return this.cellsAt(lane) + 192;
  }

  /** Where a lane's slot is read. */
  slotAt(lane: number): number {
    return this.cellsAt(lane) + 256;
  }
}
