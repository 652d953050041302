import type { CompletionQueue } from './completion-queue.ts';
import { refuse } from './errors.ts';
import { AccessFlags } from './access-flags.ts';
import { RECEIVE_QUEUE } from './ring-layout.ts';
import type { SendRing } from './send-ring.ts';
import { checkLocal, idWords } from './work-request-checks.ts';
import type { ReceiveRequest } from './work-request.ts';

/**
 * The receives of one queue pair: where messages of its peers land, the oldest first. Posted on the same
 * ring as its sends.
 */
export class ReceiveQueue {
  /** Handle of the queue pair. */
  readonly handle: number;
  readonly depth: number;
  /** Receives posted and not yet retired by a completion. */
  outstanding = 0;
  readonly #ring: SendRing;
  readonly #completionQueue: CompletionQueue;
  #released = false;

  constructor(handle: number, depth: number, ring: SendRing, completionQueue: CompletionQueue) {
    this.handle = handle;
    this.depth = depth;
    this.#ring = ring;
    this.#completionQueue = completionQueue;
    completionQueue.serve(handle + RECEIVE_QUEUE, this);
  }

  /** Posts one receive; the doorbell hands it over. Throws `VerbsError` as `QueuePair.postSend` does. */
  post({ local, workRequestId = 0 }: ReceiveRequest): void {
    checkLocal('ibv_post_recv', local);
    if ((local.region.access & AccessFlags.localWrite) === 0)
      throw refuse('ibv_post_recv', 'EINVAL', 'the region does not allow localWrite');
    const [low, high] = idWords(workRequestId);
    this.#ring.postReceive(this, local.region.handle, local.offset, local.length, low, high);
  }

  /** Takes a place in both queues, or refuses. */
  reserve(): void {
    if (this.#released) throw refuse('ibv_post_recv', 'EBADF', 'used after close');
    if (this.outstanding >= this.depth)
      throw refuse('ibv_post_recv', 'ENOMEM', 'the receive queue is full: poll completions first');
    this.#completionQueue.reserve('ibv_post_recv');
    this.outstanding++;
  }

  /** Once the provider has destroyed the queue pair. */
  release(): void {
    this.#released = true;
    this.#completionQueue.forget(this.handle + RECEIVE_QUEUE);
  }
}
