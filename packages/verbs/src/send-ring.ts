import type { Backend } from './backend.ts';
import type { Context } from './context.ts';
import { refuse } from './errors.ts';
import { Owned } from './lifetime.ts';
import type { QueuePair } from './queue-pair.ts';
import { Ring, SendEntry, SendFlags, WriteNow } from './ring-layout.ts';
import { Opcode } from './work-completion.ts';

/** What work requests are posted on: a queue pair, or its receives. */
export interface Poster {
  /** Of the queue pair. */
  readonly handle: number;
  /** Takes the places that one work request needs, or refuses. */
  reserve(): void;
}

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
  /** Whether work requests are over when the provider was called, so that `writeNow` tells of them. */
  readonly immediate: boolean;
  readonly #words: Uint32Array;
  readonly #mask: number;
  readonly #backend: Backend;
  /** First word of `WriteNow`, and whose targets stand there. */
  readonly #now: number;
  #nowTargets: WriteTargets | undefined;
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
    this.#now = Ring.entries + depth * SendEntry.words;
    this.immediate = raw.immediate;
    this.attach();
  }

  /**
   * Posts an RDMA write or read of `length` bytes. Throws `VerbsError` ENOMEM when the ring, the send
   * queue or the completion queue is full. Returns the entry's first word, for what few requests have.
   */
  post(
    queuePair: Poster,
    opcodeAndFlags: number,
    localRegion: number,
    localOffset: number,
    length: number,
    remoteKey: number,
    remoteOffset: number,
    workRequestIdLow: number,
    workRequestIdHigh: number,
  ): number {
    // Before anything is stored: in a full ring the place is that of the oldest entry.
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
    return at;
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
    let flags = firstOpcodeAndFlags;
    for (let n = 0; n < queuePairs.length; n++) {
      this.post(
        queuePairs[n],
        flags,
        localRegion,
        localOffset,
        length,
        remoteKeys[n],
        remoteOffset,
        workRequestIdLow,
        workRequestIdsHigh[n],
      );
      flags = opcodeAndFlags;
    }
  }

  /**
   * The same, doorbell included, in one call. Returns a bit for each target that has the bytes already,
   * of which no completion comes: on a ring that is `immediate`, where the queue pairs must have nothing
   * under way, that is each that did not fail; elsewhere none. Throws as `post` does.
   */
  writeNow(
    targets: WriteTargets,
    firstOpcodeAndFlags: number,
    opcodeAndFlags: number,
    localRegion: number,
    localOffset: number,
    length: number,
    remoteOffset: number,
    workRequestIdLow: number,
  ): number {
    if (this.#released) throw refuse('ibv_post_send', 'EBADF', 'used after close');
    const words = this.#words;
    const at = this.#now;
    if (this.#nowTargets !== targets) this.#load(targets);
    if (!this.immediate) reserveAll(targets.queuePairs);
    words[at + WriteNow.firstOpcodeAndFlags] = firstOpcodeAndFlags;
    words[at + WriteNow.opcodeAndFlags] = opcodeAndFlags;
    words[at + WriteNow.localRegion] = localRegion;
    words[at + WriteNow.localOffset] = localOffset;
    words[at + WriteNow.length] = length;
    words[at + WriteNow.remoteOffset] = remoteOffset;
    words[at + WriteNow.workRequestIdLow] = workRequestIdLow;
    const done = this.#backend.writeNow(this.handle);
    if (this.immediate) reserveRest(targets.queuePairs, done);
    return done;
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
    const at = this.post(
      queuePair,
      opcodeAndFlags,
      localRegion,
      localOffset,
      8,
      remoteKey,
      remoteOffset,
      workRequestIdLow,
      workRequestIdHigh,
    );
    const words = this.#words;
    words[at + SendEntry.compareAddLow] = Number(compareAdd & 0xffff_ffffn);
    words[at + SendEntry.compareAddHigh] = Number((compareAdd >> 32n) & 0xffff_ffffn);
    words[at + SendEntry.swapLow] = Number(swap & 0xffff_ffffn);
    words[at + SendEntry.swapHigh] = Number((swap >> 32n) & 0xffff_ffffn);
  }

  /**
   * Posts a message or a datagram, or a write with immediate data. For a datagram `remoteKey` is the
   * peer's queue key, and `remoteOffset` the number of its queue pair. Throws as `post` does.
   */
  postMessage(
    queuePair: Poster,
    opcodeAndFlags: number,
    localRegion: number,
    localOffset: number,
    length: number,
    remoteKey: number,
    remoteOffset: number,
    immediate: number,
    addressHandle: number,
    workRequestIdLow: number,
    workRequestIdHigh: number,
  ): void {
    const at = this.post(
      queuePair,
      opcodeAndFlags,
      localRegion,
      localOffset,
      length,
      remoteKey,
      remoteOffset,
      workRequestIdLow,
      workRequestIdHigh,
    );
    this.#words[at + SendEntry.immediate] = immediate;
    this.#words[at + SendEntry.addressHandle] = addressHandle;
  }

  /** Posts a receive of up to `length` bytes. Throws as `post` does. */
  postReceive(
    receives: Poster,
    localRegion: number,
    localOffset: number,
    length: number,
    workRequestIdLow: number,
    workRequestIdHigh: number,
  ): void {
    const receive = Opcode.receive | SendFlags.signaled;
    this.post(
      receives,
      receive,
      localRegion,
      localOffset,
      length,
      0,
      0,
      workRequestIdLow,
      workRequestIdHigh,
    );
  }

  /** Hands all posted work requests to the provider. */
  doorbell(): void {
    if (this.#words[Ring.consumer] === this.#produced) return;
    this.#backend.ringDoorbell(this.handle);
  }

  #load(targets: WriteTargets): void {
    const { queuePairs, remoteKeys, workRequestIdsHigh } = targets;
    if (queuePairs.length > WriteNow.targetsMax)
      throw refuse('ibv_post_send', 'EINVAL', `${queuePairs.length} targets at once`);
    const words = this.#words;
    words[this.#now + WriteNow.count] = queuePairs.length;
    for (const [n, queuePair] of queuePairs.entries()) {
      const at = this.#now + WriteNow.targets + n * WriteNow.targetWords;
      words[at] = queuePair.handle;
      words[at + 1] = remoteKeys[n];
      words[at + 2] = workRequestIdsHigh[n];
    }
    this.#nowTargets = targets;
  }

  /** Checks every limit and returns the first word of the entry to fill. */
  #claim(queuePair: Poster): number {
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

/** All or none. */
function reserveAll(queuePairs: readonly QueuePair[]): void {
  for (let n = 0; n < queuePairs.length; n++) {
    try {
      queuePairs[n].reserve();
    } catch (refusal) {
      while (n > 0) queuePairs[--n].giveBack();
      throw refusal;
    }
  }
}

/** Of what did not succeed a completion tells, which needs its places. */
function reserveRest(queuePairs: readonly QueuePair[], done: number): void {
  for (let n = 0; n < queuePairs.length; n++) if ((done & (1 << n)) === 0) queuePairs[n].reserve();
}
