import { LOG_BEGIN, type LogOffset } from '@mu-smr/log';

/**
 * The command of `proposeSync`, of which there is one at a time. (An object for each, or an offset that
 * may be missing, would be garbage for each.)
 */
export class SyncProposal<Result> {
  /** Where it stands. */
  at = LOG_BEGIN;
  /**
   * Whether it was applied here. That its offset was applied says nothing: after the epoch another
   * leader's command may have been decided there.
   */
  done = false;
  #awaited = false;
  #result: Result | undefined;

  /** It stands at `at` from now on, and is to be applied. */
  posted(at: LogOffset): void {
    this.at = at;
    this.#awaited = true;
    this.done = false;
  }

  /** Whether it is the one at this offset, and not applied yet. */
  awaits(at: LogOffset): boolean {
    return this.#awaited && at === this.at;
  }

  applied(result: Result): void {
    this.#awaited = false;
    this.done = true;
    this.#result = result;
  }

  takeResult(): Result {
    const result = this.#result as Result;
    this.#result = undefined;
    return result;
  }

  /** The epoch is over: what came of it cannot be told. */
  forget(): void {
    this.#awaited = false;
  }
}
