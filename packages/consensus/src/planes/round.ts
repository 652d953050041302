import type { FastPath } from './fast-path.ts';

/** Raised inside the slow path when the epoch cannot go on; caught by the replication plane. */
export class EpochEnded extends Error {
  override readonly name = 'EpochEnded';
}

/** A computation that waits by yielding: it is resumed after completions were looked at. */
export type Waiting<T> = Generator<void, T, void>;

export interface RoundsOptions {
  readonly slots: number;
  readonly fastPath: FastPath;
  readonly nowUs: () => number;
  readonly graceUs: number;
  /** Drops a lane whose operations did not complete in time. */
  readonly giveUp: (lane: number) => void;
  /** Looks at completions; false when one of them has ended the epoch. */
  readonly takeIn: () => boolean;
}

/**
 * One exchange with every confirmed follower: operations are posted, and waited for until all are
 * done, or a majority is and the others had their chance.
 */
export class Rounds {
  readonly #fastPath: FastPath;
  readonly #pending: Int32Array;
  readonly #nowUs: () => number;
  readonly #graceUs: number;
  readonly #giveUp: (lane: number) => void;
  readonly #takeIn: () => boolean;

  constructor(options: RoundsOptions) {
    this.#fastPath = options.fastPath;
    this.#pending = new Int32Array(options.slots);
    this.#nowUs = options.nowUs;
    this.#graceUs = options.graceUs;
    this.#giveUp = options.giveUp;
    this.#takeIn = options.takeIn;
  }

  /** An operation was posted on this lane. */
  posted(lane: number): void {
    this.#pending[lane]++;
  }

  /** One of the lane's operations completed well; failures drop the lane instead. */
  completed(lane: number): void {
    this.#pending[lane]--;
  }

  /** Forgets operations of an epoch that ended. */
  reset(): void {
    this.#pending.fill(0);
  }

  /** Forgets operations of a lane that was dropped. */
  forget(lane: number): void {
    this.#pending[lane] = 0;
  }

  /** Rings the doorbell; what is over within it need not be waited for. */
  ring(): void {
    this.#fastPath.doorbell();
    if (!this.#takeIn()) throw new EpochEnded('within the doorbell');
  }

  /** Rings the doorbell and waits. Throws `EpochEnded` when no majority remains. */
  *settle(): Waiting<void> {
    this.ring();
    let majoritySinceUs: number | undefined;
    for (; ; yield) {
      if (!this.#fastPath.hasMajority) throw new EpochEnded('below a majority');
      const open = this.#fastPath.active.filter((lane) => this.#pending[lane.to] > 0);
      if (open.length === 0) return;
      if (!this.#fastPath.hasMajorityWithout(open)) continue;
      majoritySinceUs ??= this.#nowUs();
      if (this.#nowUs() - majoritySinceUs < this.#graceUs) continue;
      // A quorum never waits for a follower that does not answer.
      for (const lane of open) this.#giveUp(lane.to);
      return;
    }
  }
}
