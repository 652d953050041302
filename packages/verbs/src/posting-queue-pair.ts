import type { Backend } from './backend.ts';
import type { CompletionQueue } from './completion-queue.ts';
import type { QueuePairEndpoint } from './endpoint.ts';
import { refuse } from './errors.ts';
import { Owned } from './lifetime.ts';
import type { ProtectionDomain } from './protection-domain.ts';
import type { QueuePairSetup } from './queue-pair-setup.ts';
import { ReceiveQueue } from './receive-queue.ts';
import { SendFlags } from './ring-layout.ts';
import type { SendRing } from './send-ring.ts';
import { checkWord } from './work-request-checks.ts';
import type { Message, ReceiveRequest } from './work-request.ts';

/** What all queue pairs have that can post: their account of the queues, and their receives. */
export abstract class PostingQueuePair extends Owned {
  readonly handle: number;
  readonly endpoint: QueuePairEndpoint;
  readonly sendQueueDepth: number;
  /** Work requests posted and not yet retired by a completion. */
  outstanding = 0;
  /** `undefined` when it was made without a `receiveQueueDepth`. */
  readonly receives: ReceiveQueue | undefined;
  protected readonly sendRing: SendRing;
  readonly #inlineBytesMax: number;
  readonly #completionQueue: CompletionQueue;
  readonly #backend: Backend;
  #released = false;

  constructor(
    domain: ProtectionDomain,
    backend: Backend,
    handle: number,
    endpoint: QueuePairEndpoint,
    setup: QueuePairSetup,
  ) {
    super(domain, setup.sendRing, setup.sendCompletionQueue, setup.receiveCompletionQueue);
    this.#backend = backend;
    this.handle = handle;
    this.endpoint = endpoint;
    this.sendRing = setup.sendRing;
    this.#completionQueue = setup.sendCompletionQueue;
    this.sendQueueDepth = setup.sendQueueDepth;
    this.#inlineBytesMax = setup.inlineBytesMax;
    this.#completionQueue.serve(handle, this);
    const { receiveQueueDepth, sendRing, receiveCompletionQueue } = setup;
    this.receives =
      receiveQueueDepth === 0
        ? undefined
        : new ReceiveQueue(handle, receiveQueueDepth, sendRing, receiveCompletionQueue);
    this.attach();
  }

  /**
   * ibv_post_recv(3): where the next message lands; `doorbell` hands it over. Throws `VerbsError`:
   * EINVAL without a `receiveQueueDepth` or for a range that cannot be right, ENOMEM when a queue is full.
   */
  postReceive(request: ReceiveRequest): void {
    if (this.receives === undefined)
      throw refuse('ibv_post_recv', 'EINVAL', 'made without a receiveQueueDepth');
    this.receives.post(request);
  }

  /** Hands everything posted on this queue pair's ring to the provider. */
  doorbell(): void {
    this.sendRing.doorbell();
  }

  /** Takes a place in both queues, or refuses. */
  reserve(): void {
    this.checkOpen();
    if (this.outstanding >= this.sendQueueDepth)
      throw refuse('ibv_post_send', 'ENOMEM', 'the send queue is full: poll completions first');
    this.#completionQueue.reserve('ibv_post_send');
    this.outstanding++;
  }

  /** Throws EBADF after `close`. */
  checkOpen(): void {
    if (this.#released) throw refuse('ibv_post_send', 'EBADF', 'used after close');
  }

  /** Takes back so many `reserve`s: nothing was posted, or no completion comes of it. */
  giveBack(count: number): void {
    this.outstanding -= count;
    this.#completionQueue.outstanding -= count;
  }

  /** Checks what messages and writes have alike, and returns it as `SendFlags`. */
  protected messageFlags({ local, inline = false, immediate }: Message): number {
    const max = this.#inlineBytesMax;
    if (inline && local.length > max)
      throw refuse('ibv_post_send', 'EMSGSIZE', `inline ${local.length}, limit ${max}`);
    if (immediate !== undefined) checkWord('ibv_post_send', 'immediate', immediate);
    return (inline ? SendFlags.inline : 0) | (immediate === undefined ? 0 : SendFlags.immediate);
  }

  protected release(): void {
    this.#released = true;
    // Destroyed first: what is in the completion ring then is all that will ever be.
    this.#backend.destroyQueuePair(this.handle);
    this.#completionQueue.forget(this.handle);
    this.receives?.release();
  }
}
