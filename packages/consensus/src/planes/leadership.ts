import { CompletionEntry, isPermissionError } from '@mu-smr/verbs';
import { patienceUs } from '../limits.ts';
import { Growth } from './growth.ts';
import { LanePurpose, tagIsOf, tagLane, tagPurpose, type Lane } from './lane.ts';
import type { ReplicationPlaneOptions } from './replication-options.ts';
import type { ReplicationParts } from './replication-parts.ts';
import { EpochEnded, type Waiting } from './round.ts';
import { Double, Int } from './plane-link.ts';

/** What it does at the replication plane's word; functions, so that none is made each time. */
export const configured = (leadership: { configured(): void }): void => leadership.configured();
export const lead = (leadership: { step(): void }): void => leadership.step();

/**
 * One epoch in which this replica leads, from the moment it took the lanes: the take-over, then
 * proposing, growing and announcing. Whatever ends it is thrown as `EpochEnded`.
 */
export class Leadership<Result> {
  readonly epoch: number;
  readonly #o: ReplicationPlaneOptions<Result>;
  readonly #parts: ReplicationParts<Result>;
  /** Rings the doorbell and looks at completions; those of this epoch come back here. */
  readonly #drain: () => unknown;
  #since: number;
  /** The rest of the take-over. */
  #takeOver: Waiting<void> | undefined;
  #growth: { readonly growth: Growth; readonly run: Waiting<boolean> } | undefined;

  constructor(
    epoch: number,
    granted: readonly Lane[],
    options: ReplicationPlaneOptions<Result>,
    parts: ReplicationParts<Result>,
    drain: () => unknown,
  ) {
    this.epoch = epoch;
    this.#o = options;
    this.#parts = parts;
    this.#drain = drain;
    this.#since = parts.membership.since;
    parts.rounds.reset();
    this.#takeOver = parts.takeOver.run(epoch, granted);
  }

  get phase(): 'takingOver' | 'leading' {
    return this.#takeOver === undefined ? 'leading' : 'takingOver';
  }

  /**
   * A late follower is being copied to, the membership changes, or leadership is about to go: nothing
   * may be posted past the queue.
   */
  get reshaping(): boolean {
    const { reconfiguration, handOver } = this.#parts;
    return this.#growth !== undefined || reconfiguration.due || handOver.pending;
  }

  /** Whether something of the epoch is under way whose end only polling shows. */
  get busy(): boolean {
    const { fastPath, detector } = this.#parts;
    const posts = fastPath.outstanding > 0 || detector.due;
    return this.phase === 'takingOver' || this.reshaping || posts;
  }

  /** The configuration that is applied here is another one than `configured` saw last. */
  get reconfigured(): boolean {
    return this.#since !== this.#parts.membership.since;
  }

  /** Everything decided so far was applied: the configuration may be another one. */
  configured(): void {
    if (!this.reconfigured) return;
    this.#since = this.#parts.membership.since;
    this.#parts.proofs.askAgain();
    if (!this.#parts.fastPath.hasMajority)
      throw new EpochEnded('below a majority of the new configuration');
  }

  /** What is copied from our log now begins here: it must not be zeroed under the copy. */
  get copiesFrom(): number {
    return Math.min(
      this.#takeOver === undefined ? Infinity : this.#parts.takeOver.copiesFrom,
      this.#growth?.growth.copiesFrom ?? Infinity,
    );
  }

  /** One round of whatever the epoch is at. */
  step(): void {
    if (this.epoch === this.#o.link.int(Int.deposed))
      throw new EpochEnded('another replica was granted our log');
    this.refreshLimit();
    if (this.#takeOver !== undefined) {
      this.#advanceTakeOver();
      return;
    }
    this.#post();
    this.#advanceGrowth();
    if (this.#growth === undefined) this.#parts.handOver.step();
  }

  /** The oldest `count` completions. Those of older epochs prove nothing in this one. */
  takeIn(count: number): void {
    const queue = this.#o.completionQueue;
    const { words } = queue;
    for (let n = 0; n < count; n++) {
      const at = queue.at(n);
      const tag = words[at + CompletionEntry.workRequestIdHigh];
      if (!tagIsOf(tag, this.epoch)) continue;
      const status = words[at + CompletionEntry.status];
      if (status === 0) this.#succeeded(tag, words[at + CompletionEntry.workRequestIdLow]);
      else this.#failed(tag, status);
    }
  }

  /** A work request of this epoch succeeded; `serial` is the low word of its id. */
  #succeeded(tag: number, serial: number): void {
    const lane = tagLane(tag);
    switch (tagPurpose(tag)) {
      case LanePurpose.entry:
        this.#parts.fastPath.completed(lane, serial);
        return;
      case LanePurpose.round:
        this.#parts.rounds.completed(lane);
        return;
      case LanePurpose.proof:
        this.#parts.proofs.completed(lane, serial);
        return;
      case LanePurpose.growth:
        if (this.#growth?.growth.lane.to === lane) this.#growth.growth.completed();
    }
  }

  #failed(tag: number, status: number): void {
    const lane = tagLane(tag);
    // I16: after its first permission error a leader issues no success and no read in that epoch.
    if (isPermissionError(status)) throw new EpochEnded(`replica ${lane} withdrew its permission`);
    this.dropLane(lane);
  }

  /** A follower that is merely dead or slow is left out; nothing ends while a majority remains. */
  dropLane(lane: number): void {
    const { lanes, fastPath, rounds, proofs } = this.#parts;
    // Its work requests fail one after the other; with the first of them it was handed back.
    if (!lanes.owns(lane)) return;
    if (this.#growth?.growth.lane.to === lane) this.#growth = undefined;
    if (fastPath.active.some((one) => one.to === lane)) {
      fastPath.drop(lane);
      rounds.forget(lane);
      proofs.askAgain();
    }
    lanes.handBack(lane);
    if (!fastPath.hasMajority) throw new EpochEnded('below a majority');
  }

  /** Lets entries go as far as every confirmed log has room, and releases what all have applied. */
  refreshLimit(): void {
    const { fastPath, lanes, replayer } = this.#parts;
    fastPath.limit = lanes.writeLimit(fastPath.active, this.#o.geometry);
    const release = this.#o.link.offset(Double.release);
    if (release <= fastPath.writer.release) return;
    fastPath.writer.release = release;
    replayer.decidedUpTo(replayer.known, release);
  }

  #advanceTakeOver(): void {
    if (this.#takeOver?.next().done !== true) return;
    this.#takeOver = undefined;
    this.#parts.announcer.anew();
    this.#o.link.setInt(Int.unserved, 0);
    this.#o.link.setInt(Int.leading, 1);
    this.#o.events.leading();
  }

  /** Posts what is queued, a proof when one is wanted, and the announcement when there is nothing. */
  #post(): void {
    const parts = this.#parts;
    const { submission, proofs, announcer, fastPath, reconfiguration, detector } = parts;
    const held =
      this.#growth?.growth.holdsPosts === true || reconfiguration.pending || parts.handOver.pending;
    const queued = !held && submission.postQueued();
    const checked = !held && detector.post();
    // A change last: nothing may follow it before it is applied.
    const changed = !held && reconfiguration.post();
    const posted = queued || checked || changed;
    if (submission.blockedFor(patienceUs(this.#o.tuning))) this.#makeWay();
    const proof = proofs.post();
    const announced = !posted && announcer.post();
    if (!posted && !proof && !announced) return;
    fastPath.doorbell();
    this.#drain();
  }

  /**
   * Commands wait for room. A ring that waits for its readers frees itself; a follower that only we
   * wait for is left behind.
   */
  #makeWay(): void {
    const { geometry, self } = this.#o;
    const { fastPath, lanes } = this.#parts;
    const slow = fastPath.slowest(fastPath.tail + geometry.windowBytes / 2);
    if (slow !== undefined && slow.to !== self) this.dropLane(slow.to);
    else if (fastPath.limit - fastPath.tail < geometry.windowBytes)
      for (const to of lanes.inTheWay(fastPath, geometry)) this.dropLane(to);
  }

  #advanceGrowth(): void {
    this.#growth ??= this.#beginGrowth();
    if (this.#growth === undefined) return;
    const { growth, run } = this.#growth;
    const result = run.next();
    if (result.done !== true) return;
    this.#growth = undefined;
    if (!result.value) this.dropLane(growth.lane.to);
    // Its ring may be fuller than those that there were: also `proposeSync` must know before it posts.
    this.refreshLimit();
    // It was copied to after the last announcement.
    this.#parts.announcer.anew();
  }

  #beginGrowth(): { readonly growth: Growth; readonly run: Waiting<boolean> } | undefined {
    const { link, nowUs, self, tuning } = this.#o;
    const { access, fastPath, lanes, replayer } = this.#parts;
    const lane = lanes.takeNew(this.epoch);
    if (lane === undefined) return undefined;
    const growth = new Growth(lane, {
      self,
      access,
      fastPath,
      nowUs,
      patienceUs: patienceUs(tuning),
      granted: () => lanes.granted(lane.to),
      ownKept: () => link.offset(Double.releasable),
      release: () => replayer.releasable,
    });
    return { growth, run: growth.run() };
  }
}
