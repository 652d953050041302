import { loadBinding } from './load.ts';

/** How the calling thread is scheduled after `scheduleThisThread`. */
export interface ThreadScheduling {
  readonly policy: 'fifo' | 'normal';
  /** Why it is not `fifo` although that was asked for. */
  readonly reason: string | undefined;
}

/**
 * Sets the calling thread's timer slack to 1 ns, and its policy to SCHED_FIFO where `fifoPriority`
 * is above 0 and the process may (prctl(2), sched_setscheduler(2)). A refusal is no error.
 */
export function scheduleThisThread(fifoPriority: number): ThreadScheduling {
  const errno = loadBinding().setThreadScheduling(fifoPriority, 1);
  if (fifoPriority > 0 && errno === 0) return { policy: 'fifo', reason: undefined };
  const reason =
    fifoPriority === 0
      ? undefined
      : `SCHED_FIFO refused (errno ${errno}): needs CAP_SYS_NICE or an rtprio limit`;
  return { policy: 'normal', reason };
}

/** Names the calling thread in `scheduleThread` (gettid(2)). */
export function currentThreadId(): number {
  return loadBinding().currentThreadId();
}

/**
 * Gives another thread of this process a SCHED_FIFO priority, or with 0 its normal policy back. False
 * where the process may not (sched_setscheduler(2)). Children that the thread forks run normally.
 */
export function scheduleThread(threadId: number, fifoPriority: number): boolean {
  return loadBinding().scheduleThread(threadId, fifoPriority) === 0;
}

/**
 * Lets any thread of the process wake one event loop, faster than `postMessage` does: calls are
 * merged, nothing is serialised, and it does not keep the loop alive.
 */
export class EventLoopWaker implements Disposable {
  /** Names this waker in other threads: see `signalWaker`. */
  readonly handle: number;
  #closed = false;

  constructor(callback: () => void) {
    this.handle = loadBinding().createWaker(callback);
  }

  /** The callback is not run any more. Closing twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    loadBinding().destroyWaker(this.handle);
  }

  /** The same as `close`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Has the waker's callback run soon on its own event loop. Any thread. */
export function signalWaker(handle: number): void {
  loadBinding().signalWaker(handle);
}
