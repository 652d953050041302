import type { Backend } from './backend.ts';
import type { CompletionQueue } from './completion-queue.ts';
import { refuse } from './errors.ts';
import type { QueuePair } from './queue-pair.ts';
import { WriteNow } from './ring-layout.ts';

/** Peers that are written the same bytes, and what differs between their work requests. */
export interface WriteTargets {
  readonly queuePairs: readonly QueuePair[];
  /** By index of the queue pair. */
  readonly remoteKeys: Uint32Array;
  readonly workRequestIdsHigh: Uint32Array;
  /** Where all of them complete; needed only where writes are waited for. */
  readonly completionQueue?: CompletionQueue;
  /** A bit for each target without which waiting does not end. */
  readonly required?: number;
}

/** So many bits higher than a target's own is the bit for its earlier writes, in what was found. */
export const EARLIER_SHIFT = WriteNow.targetsMax;

/**
 * The write of a send ring to several targets at once, which stands behind its entries.
 *
 * What is found done by the call that posts it takes no places in the queues, as long as nothing was under
 * way before: there is room then.
 */
export class WriteToAll {
  readonly #backend: Backend;
  readonly #ring: number;
  readonly #immediate: boolean;
  readonly #words: Uint32Array;
  /** First word of `WriteNow`. */
  readonly #at: number;
  /** Whose words stand there. */
  #targets: WriteTargets | undefined;

  constructor(
    backend: Backend,
    ring: number,
    immediate: boolean,
    words: Uint32Array,
    firstWord: number,
  ) {
    this.#backend = backend;
    this.#ring = ring;
    this.#immediate = immediate;
    this.#words = words;
    this.#at = firstWord;
  }

  /** See `SendRing.writeNow`. */
  write(
    targets: WriteTargets,
    firstOpcodeAndFlags: number,
    opcodeAndFlags: number,
    localRegion: number,
    localOffset: number,
    length: number,
    remoteOffset: number,
    workRequestIdLow: number,
    needed: number,
  ): number {
    const words = this.#words;
    const at = this.#at;
    if (this.#targets !== targets) this.#load(targets);
    const { queuePairs } = targets;
    const free = this.#immediate || (needed > 0 && targets.completionQueue?.outstanding === 0);
    if (!free) reserveAll(queuePairs);
    else if (!this.#immediate) checkOpen(queuePairs);
    words[at + WriteNow.firstOpcodeAndFlags] = firstOpcodeAndFlags;
    words[at + WriteNow.opcodeAndFlags] = opcodeAndFlags;
    words[at + WriteNow.localRegion] = localRegion;
    words[at + WriteNow.localOffset] = localOffset;
    words[at + WriteNow.length] = length;
    words[at + WriteNow.remoteOffset] = remoteOffset;
    words[at + WriteNow.workRequestIdLow] = workRequestIdLow;
    words[at + WriteNow.needed] = needed;
    const found = this.#backend.writeNow(this.#ring);
    if (free) reserveRest(queuePairs, found);
    else this.#giveBack(queuePairs, found);
    return found;
  }

  /** See `SendRing.awaitWrites`. */
  awaitAgain(): number {
    if (this.#targets === undefined) return 0;
    const found = this.#backend.awaitWrites(this.#ring);
    if (found !== 0) this.#giveBack(this.#targets.queuePairs, found);
    return found;
  }

  /** See `SendRing.earlierId`. */
  earlierId(target: number): number {
    return this.#words[this.#wordOf(target) + WriteNow.earlierIdLow];
  }

  #wordOf(target: number): number {
    return this.#at + WriteNow.targets + target * WriteNow.targetWords;
  }

  #load(targets: WriteTargets): void {
    const { queuePairs, remoteKeys, workRequestIdsHigh, completionQueue } = targets;
    if (queuePairs.length > WriteNow.targetsMax)
      throw refuse('ibv_post_send', 'EINVAL', `${queuePairs.length} targets at once`);
    if (completionQueue !== undefined && completionQueue.depth < queuePairs.length)
      throw refuse('ibv_post_send', 'EINVAL', 'more targets than the completion queue has places');
    const words = this.#words;
    words[this.#at + WriteNow.count] = queuePairs.length;
    words[this.#at + WriteNow.completionQueue] = completionQueue?.handle ?? 0;
    words[this.#at + WriteNow.required] = targets.required ?? 0;
    for (const [n, queuePair] of queuePairs.entries()) {
      const at = this.#wordOf(n);
      words[at] = queuePair.handle;
      words[at + 1] = remoteKeys[n];
      words[at + 2] = workRequestIdsHigh[n];
      words[at + WriteNow.earlier] = 0;
    }
    this.#targets = targets;
  }

  /** Places of what was found done, of this write and of earlier ones: no completion tells of it. */
  #giveBack(queuePairs: readonly QueuePair[], found: number): void {
    for (let n = 0; n < queuePairs.length; n++) {
      if ((found & (1 << n)) !== 0) queuePairs[n].giveBack(1);
      if ((found & (1 << (n + EARLIER_SHIFT))) !== 0)
        queuePairs[n].giveBack(this.#words[this.#wordOf(n) + WriteNow.earlier]);
    }
  }
}

/** All or none. */
function reserveAll(queuePairs: readonly QueuePair[]): void {
  for (let n = 0; n < queuePairs.length; n++) {
    try {
      queuePairs[n].reserve();
    } catch (refusal) {
      while (n > 0) queuePairs[--n].giveBack(1);
      throw refusal;
    }
  }
}

function checkOpen(queuePairs: readonly QueuePair[]): void {
  for (let n = 0; n < queuePairs.length; n++) queuePairs[n].checkOpen();
}

/** Of what did not succeed a completion tells, which needs its places. */
function reserveRest(queuePairs: readonly QueuePair[], done: number): void {
  for (let n = 0; n < queuePairs.length; n++) if ((done & (1 << n)) === 0) queuePairs[n].reserve();
}
