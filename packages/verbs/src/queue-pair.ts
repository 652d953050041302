import type { Backend } from './backend.ts';
import type { QueuePairEndpoint } from './endpoint.ts';
import { refuse } from './errors.ts';
import { TRAILER_BYTES } from './integrity.ts';
import { PostingQueuePair } from './posting-queue-pair.ts';
import type { ProtectionDomain } from './protection-domain.ts';
import type { QueuePairControl } from './queue-pair-control.ts';
import type { QueuePairSetup } from './queue-pair-setup.ts';
import { SendFlags } from './ring-layout.ts';
import { Opcode } from './work-completion.ts';
import { checkLocal, checkWord, idWords } from './work-request-checks.ts';
import type { LocalRange, WorkRequest } from './work-request.ts';

/** A connected queue pair: it exists only once connected, so it can always post. */
export class QueuePair extends PostingQueuePair {
  /** State and permissions; also usable from other threads, by `handle`. */
  readonly control: QueuePairControl;
  readonly #messageBytesMax: number;
  readonly #reliable: boolean;
  readonly #sends: boolean;

  constructor(
    domain: ProtectionDomain,
    backend: Backend,
    control: QueuePairControl,
    endpoint: QueuePairEndpoint,
    setup: QueuePairSetup,
  ) {
    super(domain, backend, control.handle, endpoint, setup);
    this.control = control;
    const { limits } = domain.context.device;
    this.#messageBytesMax = limits.messageBytesMax;
    this.#reliable = setup.type === 'RC';
    this.#sends = limits.receiveQueueDepthMax > 0;
  }

  /**
   * Posts one work request; `doorbell` hands it over. ibv_post_send(3). Throws `VerbsError`: ENOMEM when
   * a queue is full, EMSGSIZE when the message or what is inline is too long, EINVAL for a range or a
   * number that cannot be right and for a read or an atomic on `UC`, ENOTSUP where the provider lacks the
   * operation.
   */
  postSend(request: WorkRequest): void {
    const { local } = request;
    const [low, high] = idWords(request.workRequestId ?? 0);
    const signaled = request.signaled === false ? 0 : SendFlags.signaled;
    this.#checkLocal(local);

    if (request.kind === 'send') {
      this.#checkSends('send');
      const flags = Opcode.send | signaled | this.messageFlags(request);
      const { region, offset, length } = local;
      const { immediate = 0 } = request;
      this.sendRing.postMessage(
        this,
        flags,
        region.handle,
        offset,
        length,
        0,
        0,
        immediate,
        0,
        low,
        high,
      );
      return;
    }
    // Stored in 32 bits: an offset of 2^32 would become 0 and overwrite what is there.
    checkWord('ibv_post_send', 'remote key', request.remote.remoteKey);
    checkWord('ibv_post_send', 'remote offset', request.remote.offset);
    if (request.kind === 'write') this.#postWrite(request, signaled, low, high);
    else this.#postAnswered(request, signaled, low, high);
  }

  #postWrite(
    request: WorkRequest & { readonly kind: 'write' },
    signaled: number,
    low: number,
    high: number,
  ): void {
    const { region, offset, length } = request.local;
    const { remoteKey, offset: remoteOffset } = request.remote;
    const ring = this.sendRing;
    const flags = Opcode.rdmaWrite | signaled | this.#writeFlags(request);
    if (request.immediate === undefined) {
      ring.post(this, flags, region.handle, offset, length, remoteKey, remoteOffset, low, high);
      return;
    }
    this.#checkSends('write with immediate data');
    ring.postMessage(
      this,
      flags,
      region.handle,
      offset,
      length,
      remoteKey,
      remoteOffset,
      request.immediate,
      0,
      low,
      high,
    );
  }

  /** Posts what brings something back: a read or an atomic. */
  #postAnswered(
    request: Exclude<WorkRequest, { readonly kind: 'write' | 'send' }>,
    signaled: number,
    low: number,
    high: number,
  ): void {
    if (!this.#reliable)
      throw refuse('ibv_post_send', 'EINVAL', `${request.kind} needs a reliable queue pair`);
    const { region, offset, length } = request.local;
    const { remoteKey, offset: remoteOffset } = request.remote;
    const ring = this.sendRing;
    if (request.kind === 'read') {
      const flags = Opcode.rdmaRead | signaled;
      ring.post(this, flags, region.handle, offset, length, remoteKey, remoteOffset, low, high);
      return;
    }
    if (length !== 8) throw refuse('ibv_post_send', 'EINVAL', 'an atomic moves 8 bytes');
    const swaps = request.kind === 'compareAndSwap';
    ring.postAtomic(
      this,
      (swaps ? Opcode.compareAndSwap : Opcode.fetchAndAdd) | signaled,
      region.handle,
      offset,
      remoteKey,
      remoteOffset,
      swaps ? request.expected : request.add,
      swaps ? request.swap : 0n,
      low,
      high,
    );
  }

  #checkLocal(local: LocalRange): void {
    checkLocal('ibv_post_send', local);
    const max = this.#messageBytesMax;
    if (local.length > max)
      throw refuse('ibv_post_send', 'EMSGSIZE', `${local.length} bytes, limit ${max}`);
  }

  #checkSends(what: string): void {
    if (!this.#sends)
      throw refuse('ibv_post_send', 'ENOTSUP', `${this.endpoint.provider} has no ${what}`);
  }

  /** Checks what only writes have, and returns it as `SendFlags`. */
  #writeFlags(request: WorkRequest & { readonly kind: 'write' }): number {
    if (request.seal === true && request.local.length < TRAILER_BYTES)
      throw refuse('ibv_post_send', 'EINVAL', 'no room for the trailer of a sealed write');
    return (
      this.messageFlags(request) |
      (request.wake === true ? SendFlags.wake : 0) |
      (request.seal === true ? SendFlags.seal : 0)
    );
  }
}
