import type { Backend } from './backend.ts';
import type { CompletionQueue } from './completion-queue.ts';
import type { QueuePairEndpoint } from './endpoint.ts';
import { refuse } from './errors.ts';
import { TRAILER_BYTES } from './integrity.ts';
import { Owned } from './lifetime.ts';
import type { ProtectionDomain, QueuePairOptions } from './protection-domain.ts';
import type { QueuePairControl } from './queue-pair-control.ts';
import { SendFlags } from './ring-layout.ts';
import type { SendRing } from './send-ring.ts';
import { Opcode } from './work-completion.ts';
import type { LocalRange, RemotePlace, WorkRequest } from './work-request.ts';

const TWO_32 = 0x1_0000_0000;

/** A connected queue pair: it exists only once connected, so it can always post. */
export class QueuePair extends Owned {
  readonly handle: number;
  readonly endpoint: QueuePairEndpoint;
  /** State and permissions; also usable from other threads, by `handle`. */
  readonly control: QueuePairControl;
  readonly sendQueueDepth: number;
  /** Work requests posted and not yet retired by a completion. */
  outstanding = 0;
  readonly #inlineBytesMax: number;
  readonly #messageBytesMax: number;
  readonly #sendRing: SendRing;
  readonly #completionQueue: CompletionQueue;
  readonly #backend: Backend;
  #released = false;

  constructor(
    domain: ProtectionDomain,
    backend: Backend,
    control: QueuePairControl,
    endpoint: QueuePairEndpoint,
    options: QueuePairOptions,
    sendQueueDepth: number,
    inlineBytesMax: number,
  ) {
    const receives = options.receiveCompletionQueue ?? options.sendCompletionQueue;
    super(domain, options.sendRing, options.sendCompletionQueue, receives);
    this.#backend = backend;
    this.control = control;
    this.handle = control.handle;
    this.endpoint = endpoint;
    this.#sendRing = options.sendRing;
    this.#completionQueue = options.sendCompletionQueue;
    this.sendQueueDepth = sendQueueDepth;
    this.#inlineBytesMax = inlineBytesMax;
    this.#messageBytesMax = domain.context.device.limits.messageBytesMax;
    this.#completionQueue.serve(this.handle, this);
    this.attach();
  }

  /**
   * Posts one work request; `doorbell` hands it over. Throws `VerbsError`: ENOMEM when a queue is
   * full, EMSGSIZE when the message or an inline write is too long, EINVAL for a range or a number
   * that cannot be right, ENOTSUP where the provider lacks the operation.
   */
  postSend(request: WorkRequest): void {
    const { local } = request;
    if (request.kind === 'send') throw refuse('ibv_post_send', 'ENOTSUP', 'send');
    this.#checkRanges(local, request.remote);

    const id = request.workRequestId ?? 0;
    const low = id >>> 0;
    const high = Math.floor(id / TWO_32);
    const signaled = request.signaled === false ? 0 : SendFlags.signaled;
    const { remoteKey, offset } = request.remote;
    const ring = this.#sendRing;

    if (request.kind === 'write' || request.kind === 'read') {
      const opcodeAndFlags =
        request.kind === 'read' ? Opcode.rdmaRead : Opcode.rdmaWrite | this.#writeFlags(request);
      ring.post(
        this,
        opcodeAndFlags | signaled,
        local.region.handle,
        local.offset,
        local.length,
        remoteKey,
        offset,
        low,
        high,
      );
      return;
    }
    if (local.length !== 8) throw refuse('ibv_post_send', 'EINVAL', 'an atomic moves 8 bytes');
    const swaps = request.kind === 'compareAndSwap';
    ring.postAtomic(
      this,
      (swaps ? Opcode.compareAndSwap : Opcode.fetchAndAdd) | signaled,
      local.region.handle,
      local.offset,
      remoteKey,
      offset,
      swaps ? request.expected : request.add,
      swaps ? request.swap : 0n,
      low,
      high,
    );
  }

  #checkRanges(local: LocalRange, remote: RemotePlace): void {
    if (
      !isWord(local.offset) ||
      !isWord(local.length) ||
      local.offset + local.length > local.region.bytes.length
    )
      throw refuse('ibv_post_send', 'EINVAL', 'the local range is outside its region');
    // Stored in 32 bits: an offset of 2^32 would become 0 and overwrite what is there.
    if (!isWord(remote.remoteKey) || !isWord(remote.offset))
      throw refuse(
        'ibv_post_send',
        'EINVAL',
        `remote key ${remote.remoteKey}, offset ${remote.offset}`,
      );
    const max = this.#messageBytesMax;
    if (local.length > max)
      throw refuse('ibv_post_send', 'EMSGSIZE', `${local.length} bytes, limit ${max}`);
  }

  /** Checks what only writes have, and returns it as `SendFlags`. */
  #writeFlags(request: WorkRequest & { readonly kind: 'write' }): number {
    const { length } = request.local;
    const max = this.#inlineBytesMax;
    if (request.inline === true && length > max)
      throw refuse('ibv_post_send', 'EMSGSIZE', `inline ${length}, limit ${max}`);
    if (request.seal === true && length < TRAILER_BYTES)
      throw refuse('ibv_post_send', 'EINVAL', 'no room for the trailer of a sealed write');
    return (
      (request.inline === true ? SendFlags.inline : 0) |
      (request.wake === true ? SendFlags.wake : 0) |
      (request.seal === true ? SendFlags.seal : 0)
    );
  }

  /** Hands everything posted on this queue pair's ring to the provider. */
  doorbell(): void {
    this.#sendRing.doorbell();
  }

  /** Takes a place in both queues, or refuses: a completion queue overrun is fatal on hardware. */
  reserve(): void {
    if (this.#released) throw refuse('ibv_post_send', 'EBADF', 'used after close');
    if (this.outstanding >= this.sendQueueDepth)
      throw refuse('ibv_post_send', 'ENOMEM', 'the send queue is full: poll completions first');
    if (this.#completionQueue.outstanding >= this.#completionQueue.depth)
      throw refuse('ibv_post_send', 'ENOMEM', 'the completion queue could overrun: poll it first');
    this.outstanding++;
    this.#completionQueue.outstanding++;
  }

  /** Takes back a `reserve`: nothing was posted. */
  giveBack(): void {
    this.outstanding--;
    this.#completionQueue.outstanding--;
  }

  protected release(): void {
    this.#released = true;
    // Destroyed first: what is in the completion ring then is all that will ever be.
    this.#backend.destroyQueuePair(this.handle);
    this.#completionQueue.forget(this.handle);
  }
}

/** Whether a number fits a 32-bit word of a ring unchanged. */
function isWord(value: number): boolean {
  return value >>> 0 === value;
}
