import { TRAILER_BYTES, trailerMatches } from '../integrity.ts';
import { bindingProblem, loadBinding } from './load.ts';

/**
 * How records that stand one behind the other in a memory tell of themselves: positions of bytes in
 * their headers, numbers little-endian. Each takes a multiple of `alignment` bytes, the last of which
 * are its integrity trailer.
 */
export interface RecordFormat {
  /** A power of two, at least 8. */
  readonly alignment: number;
  /** Bytes before the payload. */
  readonly headerBytes: number;
  /** u32: bytes of payload. */
  readonly payloadLengthAt: number;
  /** u32: the kind, from 1 to `kindMax`, in the low byte; what is above it is not looked at. */
  readonly kindAt: number;
  readonly kindMax: number;
  /** f64: the record's own offset, by which it is told from an old one in the same place. */
  readonly offsetAt: number;
  /** Two u32: `nonce`. */
  readonly nonceAt: number;
  readonly nonce: readonly [number, number];
}

/**
 * From the record for `offset` on, which is looked for at byte `at`: how many stand one behind the
 * other within `limit` bytes.
 */
export type WalkRecords = (offset: number, at: number, limit: number) => number;

/** Words that a `RecordWalker` keeps of each record: where it begins, bytes of payload, word of its kind. */
export const FOUND_WORDS = 3;

/**
 * Finds the records that stand in a memory, many with one call: in C++ and with the processor's own
 * CRC-32C where the native addon is there, in JavaScript elsewhere.
 */
export class RecordWalker {
  /** What the last walk found: `FOUND_WORDS` of each record. */
  readonly found: Uint32Array;
  readonly walk: WalkRecords;

  /**
   * `recordsMax` is how many a walk finds at most. With `check` as `trailer` only records count that
   * carry the trailer which `sealTrailer` would store; with `header`, all that say that they are what is
   * looked for: enough for those that were checked before, and cannot have changed since.
   */
  constructor(
    bytes: Uint8Array,
    format: RecordFormat,
    recordsMax: number,
    check: 'trailer' | 'header',
  ) {
    this.found = new Uint32Array(FOUND_WORDS * recordsMax);
    const trailers = check === 'trailer';
    this.walk =
      bindingProblem() === undefined
        ? loadBinding().createRecordWalker(bytes, format, this.found, trailers)
        : walkInJavaScript(bytes, format, this.found, trailers);
  }
}

/** What `createRecordWalker` of the native addon does. */
export function walkInJavaScript(
  bytes: Uint8Array,
  format: RecordFormat,
  found: Uint32Array,
  trailers: boolean,
): WalkRecords {
  const { alignment, headerBytes, nonce } = format;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number): number => view.getUint32(at, true);

  /** Bytes of the record, 0 when there is none. */
  const record = (offset: number, at: number, left: number, into: number): number => {
    if (left < headerBytes + TRAILER_BYTES) return 0;
    if (view.getFloat64(at + format.offsetAt, true) !== offset) return 0;
    const nonceAt = at + format.nonceAt;
    if (word(nonceAt) !== nonce[0] || word(nonceAt + 4) !== nonce[1]) return 0;
    const kindWord = word(at + format.kindAt);
    const kind = kindWord & 0xff;
    if (kind === 0 || kind > format.kindMax) return 0;
    const length = word(at + format.payloadLengthAt);
    const needed = headerBytes + length + TRAILER_BYTES;
    const taken = Math.ceil(needed / alignment) * alignment;
    if (taken > left || (trailers && !trailerMatches(bytes, at, at + taken))) return 0;
    found[into] = at;
    found[into + 1] = length;
    found[into + 2] = kindWord;
    return taken;
  };

  return (offset, at, limit) => {
    const end = Math.min(at + limit, bytes.length);
    let count = 0;
    let walked = 0;
    while (FOUND_WORDS * count < found.length) {
      const from = at + walked;
      const taken = record(offset + walked, from, end - from, FOUND_WORDS * count);
      if (taken === 0) break;
      walked += taken;
      count++;
    }
    return count;
  };
}
