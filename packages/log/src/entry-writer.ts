import { ENTRY_BYTES_MIN, Entry, EntryKind, entryBytes } from './layout.ts';
import { LOG_BEGIN, type LogOffset, type ProposalNumber } from './offset.ts';

/** Two words that name a group: part of every entry. */
export type GroupNonce = readonly [low: number, high: number];

/**
 * Writes entries into memory that the provider will read. It stores no trailer: the doorbell does
 * (`SendFlags.seal`), because hardware computes it faster than JavaScript.
 */
export class EntryWriter {
  /** What the leader lets followers know with every entry. */
  firstUndecided = LOG_BEGIN;
  release = LOG_BEGIN;
  proposal = 0 as ProposalNumber;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #nonceLow: number;
  readonly #nonceHigh: number;

  /** `bytes` must begin at a multiple of 8. */
  constructor(bytes: Uint8Array, nonce: GroupNonce) {
    this.#bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    this.#doubles = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3);
    this.#nonceLow = nonce[0];
    this.#nonceHigh = nonce[1];
  }

  /** Where a payload of an entry at byte `at` begins. */
  payloadAt(at: number): number {
    return at + Entry.payload;
  }

  /** Copies one command in as the payload of the entry at byte `at`. */
  command(at: number, offset: LogOffset, command: Uint8Array): number {
    const length = command.length;
    this.#bytes.set(command, at + Entry.payload);
    return this.header(at, offset, EntryKind.command | (1 << 8), length);
  }

  /** Writes the header for a payload that is already there; returns the bytes the entry takes. */
  header(at: number, offset: LogOffset, kindAndCount: number, payloadLength: number): number {
    const words = this.#words;
    const doubles = this.#doubles;
    const word = at >> 2;
    const double = at >> 3;
    words[word] = payloadLength;
    words[word + 1] = kindAndCount;
    doubles[double + 1] = offset;
    doubles[double + 2] = this.proposal;
    doubles[double + 3] = this.firstUndecided;
    doubles[double + 4] = this.release;
    words[word + 10] = this.#nonceLow;
    words[word + 11] = this.#nonceHigh;
    return entryBytes(payloadLength);
  }

  /**
   * Writes the entry that fills `bytes` bytes up to the end of the area: at the start of a staging
   * buffer of that size. Its payload is whatever stands there.
   */
  pad(at: number, offset: LogOffset, bytes: number): number {
    return this.header(at, offset, EntryKind.pad, bytes - ENTRY_BYTES_MIN);
  }

  noop(at: number, offset: LogOffset): number {
    return this.header(at, offset, EntryKind.noop, 0);
  }
}
