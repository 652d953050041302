import type { CompletionQueue } from '../completion-queue.ts';
import type { MemoryRegion } from '../memory-region.ts';
import type { QueuePair } from '../queue-pair.ts';
import { SendEntry, SendFlags } from '../ring-layout.ts';
import type { SendRing } from '../send-ring.ts';
import { Opcode } from '../work-completion.ts';
import { loadBinding } from './load.ts';

/** One write of a raw round. */
export interface RawWrite {
  readonly queuePair: QueuePair;
  readonly remoteKey: number;
  readonly remoteOffset: number;
}

/**
 * The limit that a replication path is held against: the same bytes to the same peers through the
 * same provider, posted and polled in C++, each round until `needed` writes completed.
 *
 * The ring and the queue must be used for nothing else. Throws `VerbsError` EIO when a write fails.
 */
export class RawWrites {
  readonly #ring: SendRing;
  readonly #queue: CompletionQueue;
  readonly #entries: Uint32Array;
  readonly #needed: number;

  constructor(
    ring: SendRing,
    queue: CompletionQueue,
    local: MemoryRegion,
    bytes: number,
    writes: readonly RawWrite[],
    needed: number,
  ) {
    this.#ring = ring;
    this.#queue = queue;
    this.#needed = needed;
    this.#entries = new Uint32Array(writes.length * SendEntry.words);
    for (const [n, write] of writes.entries()) {
      const at = n * SendEntry.words;
      this.#entries[at + SendEntry.opcodeAndFlags] = Opcode.rdmaWrite | SendFlags.signaled;
      this.#entries[at + SendEntry.queuePair] = write.queuePair.handle;
      this.#entries[at + SendEntry.localRegion] = local.handle;
      this.#entries[at + SendEntry.length] = bytes;
      this.#entries[at + SendEntry.remoteKey] = write.remoteKey;
      this.#entries[at + SendEntry.remoteOffset] = write.remoteOffset;
    }
  }

  /** Nanoseconds that `rounds` rounds took in all. */
  run(rounds: number): number {
    return loadBinding().measureWrites(
      this.#ring.handle,
      this.#queue.handle,
      this.#entries,
      this.#needed,
      rounds,
    );
  }

  /** Nanoseconds of each round, the clock read included. */
  latencies(rounds: number): Uint32Array {
    const each = new Uint32Array(rounds);
    loadBinding().measureWrites(
      this.#ring.handle,
      this.#queue.handle,
      this.#entries,
      this.#needed,
      rounds,
      each,
    );
    return each;
  }
}
