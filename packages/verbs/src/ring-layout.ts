/**
 * The two rings that JavaScript and a provider share, in 32-bit words. `native/rings.h` is the same
 * layout in C++, and `ring-layout.test.ts` holds the two together.
 *
 * Both rings start with their counters, each on a cache line of its own; entries follow. Counters
 * run freely modulo 2^32; an entry's slot is its counter modulo the depth, a power of two.
 */
export const Ring = {
  /** Word of the counter that the producer advances. */
  producer: 0,
  /** Word of the counter that the consumer advances. */
  consumer: 16,
  /** First word of entry 0. */
  entries: 32,
} as const;

/**
 * Words of one send-ring entry: one work request. For a datagram `remoteKey` is the peer's queue key, and
 * `remoteOffset` the number of its queue pair.
 */
export const SendEntry = {
  words: 16,
  /** Opcode in the low byte, `SendFlags` above it. */
  opcodeAndFlags: 0,
  queuePair: 1,
  localRegion: 2,
  localOffset: 3,
  length: 4,
  remoteKey: 5,
  remoteOffset: 6,
  /** With `SendFlags.immediate`. */
  immediate: 7,
  workRequestIdLow: 8,
  workRequestIdHigh: 9,
  /** compareAndSwap: expected value; fetchAndAdd: addend. */
  compareAddLow: 10,
  compareAddHigh: 11,
  swapLow: 12,
  swapHigh: 13,
  addressHandle: 14,
} as const;

/** Words of a write to several targets at once, behind the entries of a send ring. */
export const WriteNow = {
  words: 144,
  count: 0,
  firstOpcodeAndFlags: 1,
  opcodeAndFlags: 2,
  localRegion: 3,
  localOffset: 4,
  length: 5,
  remoteOffset: 6,
  workRequestIdLow: 7,
  /** Where all of it completes, or 0; how many targets are waited for, and a bit for those among them. */
  completionQueue: 8,
  needed: 9,
  required: 10,
  /**
   * Each target has eight words from here: queue pair, remote key, high word of the id, and of earlier
   * writes that the last call found done how many there are, and the low word of the last one's id.
   */
  targets: 16,
  targetWords: 8,
  earlier: 3,
  earlierIdLow: 4,
  targetsMax: 16,
} as const;

/** Flags of a work request, shifted above the opcode's byte. */
export const SendFlags = {
  /** A completion is wanted on success too; failures always complete. */
  signaled: 1 << 8,
  /** The provider must take the bytes before the doorbell returns (`IBV_SEND_INLINE`). */
  inline: 1 << 9,
  /** Ring the target's doorbell after the write, where the provider has one; a hint elsewhere. */
  wake: 1 << 10,
  /**
   * Integrity offload: before it takes the bytes, the provider stores their trailer in the last 8
   * (see `integrity.ts`), as NICs offload checksums.
   */
  seal: 1 << 11,
  /** Four bytes for the peer's completion; the work request takes up a receive there. */
  immediate: 1 << 12,
} as const;

/** Words of one completion-ring entry. */
export const CompletionEntry = {
  words: 8,
  workRequestIdLow: 0,
  workRequestIdHigh: 1,
  status: 2,
  opcode: 3,
  byteLength: 4,
  queuePairNumber: 5,
  /** Work requests this completion retires: itself and the unsignalled ones before it. */
  retired: 6,
  /** Handle of the local queue pair: a small integer, for accounting. `RECEIVE_QUEUE` more for receives. */
  queuePair: 7,
} as const;

/** What completions of receives have added to the handle of their queue pair. */
export const RECEIVE_QUEUE = 1 << 16;

/** Words of what a completed receive has besides: in a ring of its own, at the same place. */
export const Received = {
  words: 4,
  immediate: 0,
  sourceQueuePairNumber: 1,
  /** Bits of `ReceivedFlags`. */
  flags: 2,
} as const;

/** What a completed receive has. */
export const ReceivedFlags = {
  immediate: 1 << 0,
  /** The first 40 bytes are the packet's global routing header. */
  globalHeader: 1 << 1,
} as const;

/** Words that pass the ring's handle to `writeNow` and `awaitWrites` of the addon, and back what was found. */
export const Mailbox = { words: 2, ring: 0, found: 1 } as const;

/** Bytes of a send ring with `depth` entries. */
export function sendRingBytes(depth: number): number {
  return (Ring.entries + depth * SendEntry.words + WriteNow.words) * 4;
}

/** Bytes of a completion ring with `depth` entries. */
export function completionRingBytes(depth: number): number {
  return (Ring.entries + depth * CompletionEntry.words) * 4;
}
