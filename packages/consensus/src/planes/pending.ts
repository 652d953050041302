import type { LogOffset } from '@mu-smr/log';
import type { ProposeOutcome } from '../propose-outcome.ts';
import type { AppliedListener } from './replayer.ts';
import { SyncProposal } from './sync-proposal.ts';

/** One command on its way, and who waits for it. */
export interface Proposal<Result> {
  readonly command: Uint8Array;
  /** Called once. */
  readonly settle: (outcome: ProposeOutcome<Result>) => void;
  /** The caller went away: the command is not posted if it was not, its outcome is not told. */
  withdrawn: boolean;
  posted: boolean;
}

interface PostedEntry<Result> {
  readonly at: LogOffset;
  readonly proposals: readonly Proposal<Result>[];
}

/**
 * Commands that wait to be posted, and posted entries that wait to be applied here, in log order.
 */
export class Pending<Result> implements AppliedListener<Result> {
  /** The one command that `proposeSync` waits for. */
  readonly sync = new SyncProposal<Result>();
  readonly #queue: Proposal<Result>[] = [];
  readonly #posted: PostedEntry<Result>[] = [];
  #queueAt = 0;
  #postedAt = 0;

  get queued(): number {
    return this.#queue.length - this.#queueAt;
  }

  get waiting(): number {
    return this.#posted.length - this.#postedAt;
  }

  enqueue(proposal: Proposal<Result>): void {
    this.#queue.push(proposal);
  }

  /** The oldest command that is still wanted, without taking it. */
  peek(): Proposal<Result> | undefined {
    while (this.#queueAt < this.#queue.length) {
      const proposal = this.#queue[this.#queueAt];
      if (!proposal.withdrawn) return proposal;
      this.#takeHead();
    }
    return undefined;
  }

  take(): void {
    this.#takeHead();
  }

  /** These commands are in the entry at `at`. */
  posted(at: LogOffset, proposals: readonly Proposal<Result>[]): void {
    for (const proposal of proposals) proposal.posted = true;
    this.#posted.push({ at, proposals });
  }

  awaits(at: LogOffset): boolean {
    if (this.sync.awaits(at)) return true;
    // Nothing is posted on a follower: it asks this of each entry, and is not to read beyond the end.
    return this.#postedAt < this.#posted.length && this.#posted[this.#postedAt].at === at;
  }

  applied(at: LogOffset, index: number, count: number, result: Result): void {
    if (this.sync.awaits(at)) {
      this.sync.applied(result);
      return;
    }
    const entry = this.#posted[this.#postedAt];
    entry.proposals[index].settle({ kind: 'decided', at, result });
    if (index + 1 < count) return;
    this.#postedAt++;
    if (this.#postedAt < 1024) return;
    this.#posted.splice(0, this.#postedAt);
    this.#postedAt = 0;
  }

  /** The epoch is over: what was posted cannot be told, what was not is not done. */
  endEpoch(notDone: ProposeOutcome<Result>, unknown: ProposeOutcome<Result>): void {
    const posted = this.#posted.splice(0).slice(this.#postedAt);
    const queued = this.#queue.splice(0).slice(this.#queueAt);
    this.#postedAt = 0;
    this.#queueAt = 0;
    this.sync.forget();
    for (const entry of posted) for (const proposal of entry.proposals) proposal.settle(unknown);
    for (const proposal of queued) proposal.settle(notDone);
  }

  #takeHead(): void {
    this.#queueAt++;
    if (this.#queueAt < 1024 && this.#queueAt < this.#queue.length) return;
    this.#queue.splice(0, this.#queueAt);
    this.#queueAt = 0;
  }
}
