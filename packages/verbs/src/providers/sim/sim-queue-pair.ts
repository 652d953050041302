import { QueuePairState } from '../../queue-pair-state.ts';
import { SendFlags } from '../../ring-layout.ts';
import { WorkCompletionStatus } from '../../work-completion.ts';
import type { SimCompletionQueue } from './sim-completion-queue.ts';
import type { SimLink } from './sim-faults.ts';
import type { SimDomain, SimHost } from './sim-host.ts';
import { OPEN, type SimWorkRequest } from './sim-work-request.ts';

/** 24-bit packet sequence numbers. */
export const PSN_MASK = 0xff_ffff;

/** One RC queue pair: its state, and the work requests it has not completed. */
export class SimQueuePair {
  readonly handle: number;
  readonly number: number;
  readonly host: SimHost;
  readonly domain: SimDomain;
  readonly completionQueue: SimCompletionQueue;
  readonly inlineBytesMax: number;
  state: number = QueuePairState.reset;
  accessFlags = 0;
  remoteAddress = '';
  remoteNumber = 0;
  /** How its operations travel; another link once it is connected to another host. */
  link: SimLink;
  /** Sequence number of the next packet sent, and of the next one admitted. */
  sendPsn = 0;
  receivePsn = 0;
  /** Grows whenever work in flight loses its meaning; events of an older epoch do nothing. */
  epoch = 0;
  /** Oldest first; the first `reached` of them have their outcome and wait to be acknowledged. */
  readonly queue: SimWorkRequest[] = [];
  reached = 0;
  landingScheduled = false;
  acknowledgementScheduled = false;
  /** Work requests that succeeded without a completion of their own. */
  unsignaled = 0;

  constructor(
    handle: number,
    number: number,
    host: SimHost,
    domain: SimDomain,
    completionQueue: SimCompletionQueue,
    inlineBytesMax: number,
    link: SimLink,
  ) {
    this.handle = handle;
    this.number = number;
    this.host = host;
    this.domain = domain;
    this.completionQueue = completionQueue;
    this.inlineBytesMax = inlineBytesMax;
    this.link = link;
  }

  /** Reports the outcome of the oldest work request, which the caller has taken off the queue. */
  complete(request: SimWorkRequest, status: number): void {
    if (status === WorkCompletionStatus.success && (request.flags & SendFlags.signaled) === 0) {
      this.unsignaled++;
      return;
    }
    const retired = 1 + this.unsignaled;
    this.unsignaled = 0;
    if (this.completionQueue.push(this, request, status, retired)) return;
    // An overrun is fatal for everyone who completes here.
    for (const other of this.completionQueue.queuePairs) other.fail();
  }

  /** To ERR: what is outstanding is flushed, whether or not its bytes have arrived. */
  fail(): void {
    if (this.state === QueuePairState.error) return;
    this.state = QueuePairState.error;
    this.flush();
  }

  /** Completes everything outstanding, oldest first; no event of the past has an effect any more. */
  flush(): void {
    const requests = this.queue.splice(0);
    this.forget();
    for (const request of requests) {
      // A refusal that was on its way says more than that the request was flushed.
      const refused = request.status !== OPEN && request.status !== WorkCompletionStatus.success;
      this.complete(request, refused ? request.status : WorkCompletionStatus.workRequestFlushed);
    }
  }

  /** Drops everything outstanding without a word: the host crashed, or the queue pair is destroyed. */
  forget(): void {
    this.epoch++;
    this.queue.length = 0;
    this.reached = 0;
    this.landingScheduled = false;
    this.acknowledgementScheduled = false;
  }
}
