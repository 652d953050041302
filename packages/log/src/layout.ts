import { TRAILER_BYTES } from '@mu-smr/verbs';
import { LogError } from './errors.ts';

/**
 * A log in memory: a header page, then a circular area of entries, then the undo slot.
 *
 * Numbers of 64 bits are IEEE-754 doubles, little-endian: one aligned store each from JavaScript,
 * exact for every offset and proposal number there can be. Remote writers can be cut off between any
 * two bytes, so whatever they write carries an integrity trailer: entries, and cells of the header.
 */
export const LOG_HEADER_BYTES = 4096;

/** Entries begin at multiples of this, and never straddle the end of the area. */
export const ENTRY_ALIGNMENT = 64;

/** Byte positions within an entry. */
export const Entry = {
  /** u32: bytes of payload. */
  payloadLength: 0,
  /** u32: `EntryKind` in the low byte, number of commands above it. */
  kindAndCount: 4,
  /** f64: absolute offset, so that a lap-old entry is never taken for a new one. */
  offset: 8,
  /** f64: proposal number that wrote the entry. */
  proposal: 16,
  /** f64: everything below was decided when the leader wrote this. */
  firstUndecided: 24,
  /** f64: everything below may be zeroed. */
  release: 32,
  /** Two u32: names the group, so that no client's payload can pose as an entry. */
  groupNonce: 40,
  payload: 48,
} as const;

/** What an entry carries. */
export const EntryKind = {
  /** One command. */
  command: 1,
  /** Several: each as u32 length and bytes, padded to 4. */
  batch: 2,
  /** Nothing: closes an offset. */
  noop: 3,
  /** Fills the area up to its end. */
  pad: 4,
  /** A change of the group's membership; applied by consensus, never by the application. */
  configuration: 5,
  /** Has the states of replicas compared; nothing that the application sees. */
  check: 6,
} as const;

export type EntryKindName = keyof typeof EntryKind;

/** Bytes of header and trailer around a payload. */
export const ENTRY_OVERHEAD_BYTES = Entry.payload + TRAILER_BYTES;

/** The shortest entry, and the size of a no-op. */
export const ENTRY_BYTES_MIN = ENTRY_ALIGNMENT;

/** Bytes an entry takes in the area, by its payload's length. */
export function entryBytes(payloadBytes: number): number {
  return (payloadBytes + ENTRY_OVERHEAD_BYTES + ENTRY_ALIGNMENT - 1) & ~(ENTRY_ALIGNMENT - 1);
}

/** Cells of the header page, each written as a whole by the one peer that holds the permission. */
export const HeaderCell = {
  /**
   * Two cells for `minProposal`, value and trailer: the writer overwrites the smaller, so a torn
   * write never loses the larger.
   */
  minProposal: [0, 64],
  /** The leader's announcement when it goes idle: first undecided offset, release, trailer. */
  commit: 128,
  /** Target of the writes that prove the permission; nobody reads it. */
  proof: 192,
} as const;

export const MIN_PROPOSAL_CELL_BYTES = 8 + TRAILER_BYTES;
export const COMMIT_CELL_BYTES = 16 + TRAILER_BYTES;

/** Sizes of one log, the same at all replicas of a group. */
export interface LogGeometry {
  /** Bytes of the circular area: a power of two. */
  readonly capacityBytes: number;
  /** Longest payload of one entry. */
  readonly payloadBytesMax: number;
  /** Most bytes a leader may have written above its first undecided offset. */
  readonly windowBytes: number;
}

/** Checks a geometry's numbers against each other; throws `LogError` GEOMETRY. */
export function checkGeometry(geometry: LogGeometry): void {
  const { capacityBytes, payloadBytesMax, windowBytes } = geometry;
  const fail = (reason: string): never => {
    throw new LogError('GEOMETRY', reason);
  };
  if (!Number.isInteger(Math.log2(capacityBytes)) || capacityBytes < 16 * ENTRY_ALIGNMENT)
    fail(
      `capacityBytes must be a power of two of at least ${16 * ENTRY_ALIGNMENT}, not ${capacityBytes}`,
    );
  if (!Number.isInteger(payloadBytesMax) || payloadBytesMax < 1)
    fail(`payloadBytesMax must be a positive integer, not ${payloadBytesMax}`);
  // An entry and the pad before it must fit, or the longest command could never be proposed.
  if (windowBytes < 2 * entryBytes(payloadBytesMax))
    fail(`windowBytes ${windowBytes} is below two entries of ${entryBytes(payloadBytesMax)} bytes`);
  if (windowBytes * 2 > capacityBytes)
    fail(`windowBytes ${windowBytes} is above half of capacityBytes ${capacityBytes}`);
}

/**
 * Where the undo slot stands, behind the area.
 *
 * A new leader that adopts a value writes it again under its own number, over the very bytes that
 * may be one of few copies of a decided value. It saves them here first: cut off in between, the
 * write has not happened, and nothing is lost.
 */
export function undoPosition(geometry: LogGeometry): number {
  return LOG_HEADER_BYTES + geometry.capacityBytes;
}

/** Bytes of memory one log needs. */
export function logBytes(geometry: LogGeometry): number {
  return undoPosition(geometry) + entryBytes(geometry.payloadBytesMax);
}
