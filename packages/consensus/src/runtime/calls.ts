import type { Tuning } from '../limits.ts';
import type { Proposal } from '../planes/pending.ts';
import type { ReplicationPlane } from '../planes/replication-plane.ts';
import type { ProposeOutcome, ReadBarrierOutcome } from '../propose-outcome.ts';
import type { CallOptions } from '../replica-api.ts';
import { Deadlines, type Deadline } from './deadlines.ts';

/** Turns promises, deadlines and abort signals into proposals of the replication plane. */
export class Calls<Result> {
  decidedCommands = 0;
  /** Hears how long each decided proposal took. */
  observer: ((latencyMs: number) => void) | undefined;
  readonly #tuning: Tuning;
  readonly #payloadBytesMax: number;
  readonly #flushSoon: () => void;
  readonly #deadlines = new Deadlines();

  constructor(tuning: Tuning, payloadBytesMax: number, flushSoon: () => void) {
    this.#tuning = tuning;
    this.#payloadBytesMax = payloadBytesMax;
    this.#flushSoon = flushSoon;
  }

  propose(
    plane: ReplicationPlane<Result>,
    command: Uint8Array,
    options: CallOptions,
  ): Promise<ProposeOutcome<Result>> {
    if (command.length > this.#payloadBytesMax)
      return Promise.resolve({ kind: 'rejected', reason: 'tooLarge' });
    if (plane.queued >= this.#tuning.queuedCommandsMax)
      return Promise.resolve({ kind: 'rejected', reason: 'overloaded' });
    if (options.signal?.aborted === true)
      return Promise.resolve({ kind: 'rejected', reason: 'aborted' });

    const startedMs = this.observer === undefined ? 0 : performance.now();
    return new Promise((resolve) => {
      const proposal: Proposal<Result> = {
        command,
        withdrawn: false,
        posted: false,
        settle: () => undefined,
      };
      const cancel = this.#limit(options, (reason) => {
        // Posted means that a write left: what becomes of it cannot be told any more.
        proposal.withdrawn = true;
        settle(proposal.posted ? { kind: 'unknown', reason } : { kind: 'rejected', reason });
      });
      const settle = (outcome: ProposeOutcome<Result>): void => {
        cancel();
        if (outcome.kind === 'decided') {
          this.decidedCommands++;
          if (startedMs > 0) this.observer?.(performance.now() - startedMs);
        }
        resolve(outcome);
      };
      plane.submit(Object.assign(proposal, { settle }));
      this.#flushSoon();
    });
  }

  readBarrier(plane: ReplicationPlane<Result>, options: CallOptions): Promise<ReadBarrierOutcome> {
    if (options.signal?.aborted === true)
      return Promise.resolve({ kind: 'rejected', reason: 'aborted' });
    return new Promise((resolve) => {
      const cancel = this.#limit(options, (reason) => resolve({ kind: 'rejected', reason }));
      plane.prove((outcome) => {
        cancel();
        resolve(outcome);
      });
      this.#flushSoon();
    });
  }

  close(): void {
    this.#deadlines.close();
  }

  /** Calls `expire` at the deadline or when the signal fires; returns what cancels both. */
  #limit(options: CallOptions, expire: (reason: 'deadline' | 'aborted') => void): () => void {
    const atMs = performance.now() + (options.deadlineMs ?? this.#tuning.proposeDeadlineMs);
    const deadline: Deadline = { atMs, done: false, expire: () => expire('deadline') };
    this.#deadlines.add(deadline);
    const { signal } = options;
    if (signal === undefined) return () => void (deadline.done = true);
    const abort = (): void => expire('aborted');
    signal.addEventListener('abort', abort, { once: true });
    return () => {
      deadline.done = true;
      signal.removeEventListener('abort', abort);
    };
  }
}
