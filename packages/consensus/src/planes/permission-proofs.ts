import type { ReadBarrierOutcome } from '../propose-outcome.ts';
import type { FastPath } from './fast-path.ts';
import type { LogAccess } from './log-access.ts';
import type { Quorum } from './membership.ts';

interface Waiter {
  readonly serial: number;
  readonly settle: (outcome: ReadBarrierOutcome) => void;
}

/**
 * Linearizable reads without the log: a write that has no effect proves, once a majority completed
 * it, that we still held the permission when it was posted, so no other leader had decided anything
 * by then (protocol.md, "Linearizable reads without the log"). Callers of one round share a proof.
 */
export class PermissionProofs {
  readonly #fastPath: FastPath;
  readonly #access: LogAccess;
  readonly #proven: Float64Array;
  readonly #quorum: Quorum;
  #waiters: Waiter[] = [];
  #posted = 0;
  #incomplete = false;
  #count = 0;

  constructor(fastPath: FastPath, access: LogAccess, slots: number, quorum: Quorum) {
    this.#fastPath = fastPath;
    this.#access = access;
    this.#proven = new Float64Array(slots);
    this.#quorum = quorum;
  }

  /** Proofs that were completed. */
  get count(): number {
    return this.#count;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /** Asks for a proof that is posted after this call. */
  want(settle: (outcome: ReadBarrierOutcome) => void): void {
    this.#waiters.push({ serial: this.#posted + 1, settle });
  }

  /** Posts one proof for everybody who asked since the last; true when the doorbell is to be rung. */
  post(): boolean {
    const last = this.#waiters.at(-1);
    if (last === undefined || (last.serial <= this.#posted && !this.#incomplete)) return false;
    this.#incomplete = false;
    this.#posted++;
    for (const lane of this.#fastPath.active) this.#access.prove(lane, this.#posted);
    return true;
  }

  /**
   * A proof may be out at a lane that was dropped, or is needed of members that were not asked: those
   * that there are now are asked once more.
   */
  askAgain(): void {
    this.#incomplete = true;
  }

  /** Another replica is to be at the end of this lane. */
  forget(lane: number): void {
    this.#proven[lane] = 0;
  }

  completed(lane: number, serial: number): void {
    this.#proven[lane] = Math.max(this.#proven[lane], serial);
  }

  /** Answers whoever has a majority of proofs; to be called when all that is decided is applied. */
  settle(): void {
    while (this.#waiters.length > 0) {
      const { serial, settle } = this.#waiters[0];
      const { voters, majority } = this.#quorum;
      let having = 0;
      for (const [lane, proven] of this.#proven.entries())
        if (proven >= serial) having += voters[lane];
      if (having < majority) return;
      this.#waiters.shift();
      this.#count++;
      settle({ kind: 'current' });
    }
  }

  /** The epoch is over: nobody may read on our word. */
  endEpoch(outcome: ReadBarrierOutcome): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#proven.fill(0);
    this.#posted = 0;
    this.#incomplete = false;
    for (const waiter of waiters) waiter.settle(outcome);
  }
}
