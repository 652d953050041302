import type { Backend } from './backend.ts';
import type { Context } from './context.ts';
import { refuse } from './errors.ts';
import { Owned } from './lifetime.ts';
import type { QueuePair } from './queue-pair.ts';
import { Ring, SendEntry, SendFlags } from './ring-layout.ts';
import { Opcode } from './work-completion.ts';
import { WriteToAll, type WriteTargets } from './write-to-all.ts';

/** What work requests are posted on: a queue pair, or its receives. */
export interface Poster {
  /** Of the queue pair. */
  readonly handle: number;
  /** Takes the places that one work request needs, or refuses. */
  reserve(): void;
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
  readonly #toAll: WriteToAll;
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
    this.immediate = raw.immediate;
    const behind = Ring.entries + depth * SendEntry.words;
    this.#toAll = new WriteToAll(backend, raw.ring, raw.immediate, this.#words, behind);
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
   * under way, that is each that did not fail; over ibverbs those of this context, with nothing under way.
   *
   * Where it is not immediate, the call waits for completions, two microseconds or so at most, if `needed` is
   * not 0: until so many targets have the bytes, and those of `targets.required`. 16 bits higher is a bit for
   * each target of which earlier writes were found done meanwhile: none of them completes any more, and
   * `earlierId` names the last. Work requests of `targets` must differ in their ids. Throws as `post` does.
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
    needed = 0,
  ): number {
    if (this.#released) throw refuse('ibv_post_send', 'EBADF', 'used after close');
    return this.#toAll.write(
      targets,
      firstOpcodeAndFlags,
      opcodeAndFlags,
      localRegion,
      localOffset,
      length,
      remoteOffset,
      workRequestIdLow,
      needed,
    );
  }

  /** Waits again for the last `writeNow`, as that does, and returns what was found done since. */
  awaitWrites(): number {
    return this.#released ? 0 : this.#toAll.awaitAgain();
  }

  /** Low word of the id of the last earlier write to a target that the last call found done. */
  earlierId(target: number): number {
    return this.#toAll.earlierId(target);
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
