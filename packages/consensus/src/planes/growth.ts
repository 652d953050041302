import { strict as assert } from 'node:assert';
import type { LogOffset } from '@mu-smr/log';
import { readStretch, writeMissing } from './copy-missing.ts';
import type { FastPath } from './fast-path.ts';
import { LanePurpose, type Lane } from './lane.ts';
import type { LogAccess } from './log-access.ts';
import { promised, readPromise, writePromise } from './promise-cells.ts';
import { EpochEnded, type Waiting } from './round.ts';
import type { GrantedLog } from './take-over-context.ts';

/** What growing needs of the replication plane. */
export interface GrowthContext {
  readonly self: number;
  readonly access: LogAccess;
  readonly fastPath: FastPath;
  readonly nowUs: () => number;
  /** How long the follower may take to make room. */
  readonly patienceUs: number;
  readonly granted: () => GrantedLog;
  /** First offset that our own ring goes on holding. */
  readonly ownKept: () => LogOffset;
  readonly release: () => LogOffset;
}

/**
 * Brings one follower that came late up to date and adds it to the confirmed set, while the leader
 * goes on proposing (protocol.md, step 5: "growing").
 */
export class Growth {
  readonly lane: Lane;
  /** Set for the last stretches: no new entries until the follower has all there are. */
  holdsPosts = false;
  /** Our own ring must keep everything from here: it is being copied. */
  copiesFrom = Number.POSITIVE_INFINITY;
  readonly #o: GrowthContext;
  readonly #access: LogAccess;
  readonly #fastPath: FastPath;
  #pending = 0;

  constructor(lane: Lane, context: GrowthContext) {
    this.lane = lane;
    this.#o = context;
    this.#access = context.access;
    this.#fastPath = context.fastPath;
  }

  completed(): void {
    this.#pending--;
  }

  /**
   * Ends true when the follower was added, false when our ring no longer holds what it misses or it
   * makes no room. Throws `EpochEnded` when another leader was there.
   */
  *run(): Waiting<boolean> {
    yield* this.#promise();
    // It may hold bytes of another leader above what it knows: everything from there is rewritten.
    let has = this.#o.granted().known;
    if (has < this.#o.ownKept()) return false;

    let before = Number.POSITIVE_INFINITY;
    for (;;) {
      this.copiesFrom = has;
      const own = this.#fastPath.acknowledged(this.#o.self);
      if (!(yield* this.#makeRoom(has, own))) return false;
      const missing = own - has;
      // Where a busy leader writes as fast as we copy, it would never end.
      this.holdsPosts ||= missing <= this.#access.layout.slotBytes || missing > before / 2;
      before = missing;
      if (own > has) has = yield* this.#copy(has, own);
      // What it has may stand there under an older number: only for a decided value is that as good.
      else if (own < this.#fastPath.tail || this.#fastPath.decided < has) yield;
      else break;
    }
    assert(has === this.#fastPath.tail, 'nothing was posted while the last stretch was copied');
    this.#fastPath.add(this.lane, has);
    return true;
  }

  /**
   * Waits until the follower has zeroed what the bytes below `upTo` would lap: it may not have heard
   * of the last releases, so it is told. False when it takes too long.
   */
  *#makeRoom(has: LogOffset, upTo: LogOffset): Waiting<boolean> {
    const { nowUs, patienceUs, granted, release } = this.#o;
    const fits = (): boolean => upTo - granted().head <= this.#access.area.capacityBytes;
    if (fits()) return true;
    const commit = { firstUndecided: has, release: release() };
    this.#post(() => this.#access.announce(this.lane, commit, LanePurpose.growth), 1);
    const giveUpAtUs = nowUs() + patienceUs;
    while (this.#pending > 0 || !fits()) {
      yield;
      if (nowUs() > giveUpAtUs) return false;
    }
    return true;
  }

  /**
   * Between our first grant and this one the follower may have been another leader's, and part of a
   * majority that decided what we do not know: then it has promised a higher number, and we end.
   */
  *#promise(): Waiting<void> {
    const own = this.#fastPath.writer.proposal;
    this.#post(() => readPromise(this.#access, this.lane, LanePurpose.growth), 1);
    while (this.#pending > 0) yield;
    const { proposal, cell } = promised(this.#access, this.lane);
    if (proposal > own) throw new EpochEnded(`replica ${this.lane.to} promised ${proposal}`);
    if (proposal === own) return;
    this.#post(() => writePromise(this.#access, this.lane, cell, own, LanePurpose.growth), 1);
    while (this.#pending > 0) yield;
  }

  /** Brings the follower to `to`, or as far as one stretch goes; returns how far. */
  *#copy(from: LogOffset, to: LogOffset): Waiting<LogOffset> {
    const { growth } = LanePurpose;
    this.#post(() => readStretch(this.#access, this.lane, from, to, growth), 1);
    while (this.#pending > 0) yield;
    const copied = writeMissing(this.#access, this.lane, from, to, growth);
    this.#post(() => undefined, copied.writes);
    while (this.#pending > 0) yield;
    return copied.upTo;
  }

  #post(post: () => void, operations: number): void {
    this.#pending += operations;
    post();
    this.#fastPath.doorbell();
  }
}
