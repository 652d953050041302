import { trailerMatches } from '@mu-smr/verbs';
import type { GroupNonce } from './entry-writer.ts';
import { Entry, ENTRY_ALIGNMENT, entryBytes, EntryKind } from './layout.ts';
import type { LogOffset, ProposalNumber } from './offset.ts';

/**
 * What stands at an offset: `empty`, `partial` (something that is not a whole entry of ours for this
 * offset: torn, lap-old or foreign), or `accepted`.
 */
export type SlotState = 'empty' | 'partial' | 'accepted';

/** Reads entries in place. One view is moved from entry to entry, so reading allocates nothing. */
export class EntryView {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #nonce: GroupNonce;
  #at = 0;

  /** `bytes` must begin at a multiple of 8. */
  constructor(bytes: Uint8Array, nonce: GroupNonce) {
    this.#bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    this.#doubles = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3);
    this.#nonce = nonce;
  }

  /** Looks at the entry at byte `at` of the memory. */
  moveTo(at: number): this {
    this.#at = at;
    return this;
  }

  /**
   * Whether the header could be that of an entry for `offset` which ends within `limit` bytes. It
   * says nothing of the payload: see `accepted`.
   */
  headerFits(offset: LogOffset, limit: number): boolean {
    const word = this.#at >> 2;
    const double = this.#at >> 3;
    const kind = this.#words[word + 1] & 0xff;
    return (
      this.#doubles[double + 1] === offset &&
      this.#words[word + 10] === this.#nonce[0] &&
      this.#words[word + 11] === this.#nonce[1] &&
      kind >= EntryKind.command &&
      kind <= EntryKind.check &&
      // First as it is: a length of four gigabytes would wrap when it is rounded up.
      this.#words[word] < limit &&
      entryBytes(this.#words[word]) <= limit
    );
  }

  /** Whether a whole entry for `offset` stands here: header, absolute offset, nonce and checksum. */
  accepted(offset: LogOffset, limit: number): boolean {
    return (
      this.headerFits(offset, limit) &&
      trailerMatches(this.#bytes, this.#at, this.#at + this.totalBytes)
    );
  }

  /** The state of the slot for `offset`; `limit` is how many bytes there are to look at. */
  state(offset: LogOffset, limit: number): SlotState {
    if (this.accepted(offset, limit)) return 'accepted';
    const first = this.#at >> 2;
    for (let word = first; word < first + ENTRY_ALIGNMENT / 4; word++)
      if (this.#words[word] !== 0) return 'partial';
    return 'empty';
  }

  get payloadLength(): number {
    return this.#words[this.#at >> 2];
  }

  /** Bytes from this entry to the next. */
  get totalBytes(): number {
    return entryBytes(this.payloadLength);
  }

  get kind(): number {
    return this.#words[(this.#at >> 2) + 1] & 0xff;
  }

  /** Kind in the low byte, number of commands above: as `EntryWriter.header` takes it. */
  get kindAndCount(): number {
    return this.#words[(this.#at >> 2) + 1];
  }

  /** How many commands the entry carries. */
  get count(): number {
    return this.#words[(this.#at >> 2) + 1] >>> 8;
  }

  get offset(): LogOffset {
    return this.#doubles[(this.#at >> 3) + 1] as LogOffset;
  }

  get proposal(): ProposalNumber {
    return this.#doubles[(this.#at >> 3) + 2] as ProposalNumber;
  }

  get firstUndecided(): LogOffset {
    return this.#doubles[(this.#at >> 3) + 3] as LogOffset;
  }

  get release(): LogOffset {
    return this.#doubles[(this.#at >> 3) + 4] as LogOffset;
  }

  /** First byte of the payload in the memory. */
  get payloadAt(): number {
    return this.#at + Entry.payload;
  }

  /** A view of the payload in place. */
  payload(): Uint8Array {
    return this.#bytes.subarray(this.payloadAt, this.payloadAt + this.payloadLength);
  }
}
