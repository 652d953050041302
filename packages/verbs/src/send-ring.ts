import type { Backend } from './backend.ts';
import type { Context } from './context.ts';
import { refuse } from './errors.ts';
import { Owned } from './lifetime.ts';
import type { QueuePair } from './queue-pair.ts';
import { Ring, SendEntry } from './ring-layout.ts';
import { Opcode } from './work-completion.ts';

/** Peers that are written the same bytes, and what differs between their work requests. */
export interface WriteTargets {
  readonly queuePairs: readonly QueuePair[];
  /** By index of the queue pair. */
  readonly remoteKeys: Uint32Array;
  readonly workRequestIdsHigh: Uint32Array;
}

/**
 * Work requests of one thread, for all its queue pairs, in memory that the provider reads.
 *
 * Posting stores one entry; `doorbell` hands everything posted to the provider in one call, in
 * order. Nothing has happened before the doorbell.
 */
export class SendRing extends Owned {
  readonly handle: number;
  readonly depth: number;
  readonly #words: Uint32Array;
  readonly #mask: number;
  readonly #backend: Backend;
  #produced = 0;
  /** The same as `closed`, which every class of objects shares, where it is read for each post. */
  #released = false;

  constructor(context: Context, backend: Backend, contextHandle: number, depth: number) {
    super(context);
    const raw = backend.createSendRing(contextHandle, depth);
    this.#backend = backend;
    this.handle = raw.ring;
    this.depth = depth;
    this.#words = new Uint32Array(raw.buffer);
    this.#mask = depth - 1;
    this.attach();
  }

  /**
   * Posts an RDMA write or read of `length` bytes. Throws `VerbsError` ENOMEM when a queue is full:
   * the ring, the queue pair's send queue, or the completion queue it would overrun.
   */
  post(
    queuePair: QueuePair,
    opcodeAndFlags: number,
    localRegion: number,
    localOffset: number,
    length: number,
    remoteKey: number,
    remoteOffset: number,
    workRequestIdLow: number,
    workRequestIdHigh: number,
  ): void {
    const at = this.#claim(queuePair);
    const words = this.#words;
    words[at + SendEntry.opcodeAndFlags] = opcodeAndFlags;
    words[at + SendEntry.queuePair] = queuePair.handle;
    words[at + SendEntry.localRegion] = localRegion;
    words[at + SendEntry.localOffset] = localOffset;
    words[at + SendEntry.length] = length;
    words[at + SendEntry.remoteKey] = remoteKey;
    words[at + SendEntry.remoteOffset] = remoteOffset;
    words[at + SendEntry.workRequestIdLow] = workRequestIdLow;
    words[at + SendEntry.workRequestIdHigh] = workRequestIdHigh;
    this.#publish();
  }

  /**
   * Posts one RDMA write for each target: the same bytes to the same place. The first request has
   * flags of its own, for what is to happen once (`SendFlags.seal`). Throws as `post` does.
   */
  postToAll(
    targets: WriteTargets,
    firstOpcodeAndFlags: number,
    opcodeAndFlags: number,
    localRegion: number,
    localOffset: number,
    length: number,
    remoteOffset: number,
    workRequestIdLow: number,
  ): void {
    const { queuePairs, remoteKeys, workRequestIdsHigh } = targets;
    const words = this.#words;
    let flags = firstOpcodeAndFlags;
    for (let n = 0; n < queuePairs.length; n++) {
      const queuePair = queuePairs[n];
      const at = this.#claim(queuePair);
      words[at + SendEntry.opcodeAndFlags] = flags;
      words[at + SendEntry.queuePair] = queuePair.handle;
      words[at + SendEntry.localRegion] = localRegion;
      words[at + SendEntry.localOffset] = localOffset;
      words[at + SendEntry.length] = length;
      words[at + SendEntry.remoteKey] = remoteKeys[n];
      words[at + SendEntry.remoteOffset] = remoteOffset;
      words[at + SendEntry.workRequestIdLow] = workRequestIdLow;
      words[at + SendEntry.workRequestIdHigh] = workRequestIdsHigh[n];
      this.#publish();
      flags = opcodeAndFlags;
    }
  }

  /** Posts a compare-and-swap or fetch-and-add on 8 remote bytes; the old value lands locally. */
  postAtomic(
    queuePair: QueuePair,
    opcodeAndFlags: number,
    localRegion: number,
    localOffset: number,
    remoteKey: number,
    remoteOffset: number,
    compareAdd: bigint,
    swap: bigint,
    workRequestIdLow: number,
    workRequestIdHigh: number,
  ): void {
    const opcode = opcodeAndFlags & 0xff;
    if (opcode !== Opcode.compareAndSwap && opcode !== Opcode.fetchAndAdd)
      throw refuse('ibv_post_send', 'EINVAL', `opcode ${opcode} is not atomic`);
    // Claimed before anything is stored: in a full ring the slot is that of the oldest entry.
    const at = this.#claim(queuePair);
    const words = this.#words;
    words[at + SendEntry.opcodeAndFlags] = opcodeAndFlags;
    words[at + SendEntry.queuePair] = queuePair.handle;
    words[at + SendEntry.localRegion] = localRegion;
    words[at + SendEntry.localOffset] = localOffset;
    words[at + SendEntry.length] = 8;
    words[at + SendEntry.remoteKey] = remoteKey;
    words[at + SendEntry.remoteOffset] = remoteOffset;
    words[at + SendEntry.workRequestIdLow] = workRequestIdLow;
    words[at + SendEntry.workRequestIdHigh] = workRequestIdHigh;
    words[at + SendEntry.compareAddLow] = Number(compareAdd & 0xffff_ffffn);
    words[at + SendEntry.compareAddHigh] = Number((compareAdd >> 32n) & 0xffff_ffffn);
    words[at + SendEntry.swapLow] = Number(swap & 0xffff_ffffn);
    words[at + SendEntry.swapHigh] = Number((swap >> 32n) & 0xffff_ffffn);
    this.#publish();
  }

  /** Hands all posted work requests to the provider. */
  doorbell(): void {
    this.#backend.ringDoorbell(this.handle);
  }

  /** Checks every limit and returns the first word of the entry to fill. */
  #claim(queuePair: QueuePair): number {
    const words = this.#words;
    if (this.#released) throw refuse('ibv_post_send', 'EBADF', 'used after close');
    if (((this.#produced - words[Ring.consumer]) | 0) >= this.depth)
      throw refuse('ibv_post_send', 'ENOMEM', 'the send ring is full: ring the doorbell');
    queuePair.reserve();
    return (this.#produced & this.#mask) * SendEntry.words + Ring.entries;
  }

  #publish(): void {
    this.#produced = (this.#produced + 1) >>> 0;
    this.#words[Ring.producer] = this.#produced;
  }

  protected release(): void {
    this.#released = true;
    this.#backend.destroySendRing(this.handle);
  }
}
