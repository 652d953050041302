import { strict as assert } from 'node:assert';
import type { LogOffset } from '@mu-smr/log';
import type { ProposeOutcome, ReadBarrierOutcome, ReplicaId } from '../propose-outcome.ts';
import type { Beginning } from './beginning.ts';
import type { DivergenceDetector } from './divergence-detector.ts';
import type { FastPath } from './fast-path.ts';
import type { HandOver } from './hand-over.ts';
import { configured, lead, Leadership } from './leadership.ts';
import type { Membership } from './membership.ts';
import type { Proposal } from './pending.ts';
import { Double, Int, LogPhase, type PlaneLink } from './plane-link.ts';
import type { Reconfiguration } from './reconfiguration.ts';
import type { Replayer } from './replayer.ts';
import type { ReplicationPlaneOptions } from './replication-options.ts';
import { makeParts, type ReplicationParts } from './replication-parts.ts';
import { EpochEnded } from './round.ts';
import type { SyncProposal } from './sync-proposal.ts';

/** Entries that one step learns from and applies, so that no step takes long. */
const ENTRIES_PER_STEP = 512;
/** One poll in 256 is a whole step. */
const POLLS_PER_STEP_MASK = 255;

/**
 * Proposes on a leader, replays on a follower. It owns the outgoing lanes while an epoch lasts; the
 * background plane gets them, with permissions, and takes them back when the epoch is over.
 *
 * `step` never blocks. It is called whenever something may have happened.
 */
export class ReplicationPlane<Result> {
  /** Epochs that were lost or given up. */
  endedEpochs = 0;
  readonly #o: ReplicationPlaneOptions<Result>;
  readonly #link: PlaneLink;
  readonly #parts: ReplicationParts<Result>;
  readonly replayer: Replayer<Result>;
  readonly fastPath: FastPath;
  /** The command of the last `proposeSync`. */
  readonly sync: SyncProposal<Result>;
  /** Who is a member, by all that is applied here. */
  readonly membership: Membership;
  readonly detector: DivergenceDetector;
  /** How the log begins; nothing is applied, and nobody leads, before it has. */
  readonly beginning: Beginning;
  /** What a leader may be asked for, beside commands and proofs. */
  readonly reconfiguration: Reconfiguration;
  readonly handOver: HandOver;
  #leadership: Leadership<Result> | undefined;
  /** Whether the last look at a follower's log left entries that it could have learnt from. */
  #mayLearn = false;
  #polls = 0;

  constructor(options: ReplicationPlaneOptions<Result>) {
    this.#o = options;
    this.#link = options.link;
    const giveUp = (lane: number): void => this.#leadership?.dropLane(lane);
    const takeIn = (): boolean => this.#drain();
    const parts = (this.#parts = makeParts(options, { giveUp, takeIn }));
    this.replayer = parts.replayer;
    this.fastPath = parts.fastPath;
    this.sync = parts.pending.sync;
    this.membership = parts.membership;
    this.detector = parts.detector;
    this.beginning = parts.beginning;
    this.reconfiguration = parts.reconfiguration;
    this.handOver = parts.handOver;
  }

  get phase(): 'following' | 'takingOver' | 'leading' {
    return this.#leadership === undefined ? 'following' : this.#leadership.phase;
  }

  get leading(): boolean {
    return this.phase === 'leading';
  }

  /** Entries posted with commands of our own. */
  get postedEntries(): number {
    return this.#parts.submission.postedEntries;
  }

  get readProofs(): number {
    return this.#parts.proofs.count;
  }

  get queued(): number {
    return this.#parts.pending.queued;
  }

  /** Whether another step finds something to do, or something is under way whose end only polling shows. */
  get busy(): boolean {
    const { gathering, proofs, pending, replayer } = this.#parts;
    const underWay = this.#leadership?.busy ?? gathering.awaited;
    const waiting = proofs.waiting + pending.queued + pending.waiting > 0;
    return this.#mayLearn || underWay || waiting || replayer.applied < replayer.known;
  }

  /** Queues a command; it is posted with the next step. */
  submit(proposal: Proposal<Result>): void {
    this.#parts.pending.enqueue(proposal);
  }

  /** Asks for a permission proof, posted with the next step. */
  prove(settle: (outcome: ReadBarrierOutcome) => void): void {
    this.#parts.proofs.want(settle);
  }

  /** Nobody is at the end of a lane any more: it counts for nothing, whatever was granted there. */
  disconnected(id: ReplicaId): void {
    const { fastPath, proofs, lanes, membership } = this.#parts;
    this.#within((leadership) => leadership.dropLane(id));
    fastPath.forget(id);
    proofs.forget(id);
    lanes.forget(id);
    membership.connected(id, 0);
  }

  /** One round: completions, then whatever they allow. */
  step(): void {
    this.#link.progressed();
    this.#drain();
    if (this.#leadership === undefined) this.#follow();
    else this.#lead();
    this.#publish();
  }

  /**
   * Posts one command, and `sync` tells when it is applied: the shortest way through. False when there is
   * no room, or commands are queued: then `step` must be called.
   */
  proposeSync(command: Uint8Array): boolean {
    assert(this.leading, 'only a leader proposes');
    if (!this.#mayPostSync() || !this.#parts.submission.postSync(command)) return false;
    if (this.sync.done) this.#polled();
    return true;
  }

  /**
   * Posts several commands as one entry without waiting: direct-mode pipelining. `undefined` when
   * there is no room now.
   */
  postSync(commands: readonly Uint8Array[]): LogOffset | undefined {
    assert(this.leading, 'only a leader proposes');
    return this.#mayPostSync() ? this.#parts.submission.postBatchSync(commands) : undefined;
  }

  /** The hot half of `step`: completions of entries, and replay up to what they decide. */
  poll(): void {
    const { fastPath, replayer, submission } = this.#parts;
    this.#takeIn(fastPath.look());
    submission.applySync();
    if (replayer.applied < replayer.known) replayer.apply(ENTRIES_PER_STEP);
    if (this.#leadership?.reconfigured === true) this.#within(configured);
    this.#polled();
  }

  /** Fails whatever waits; nothing may be asked afterwards. */
  abandon(notDone: ProposeOutcome<Result>, unknown: ProposeOutcome<Result>): void {
    this.#parts.pending.endEpoch(notDone, unknown);
    this.#parts.proofs.endEpoch({ kind: 'rejected', reason: 'closed' });
    this.reconfiguration.endEpoch({ kind: 'rejected', reason: 'closed' });
    this.handOver.endEpoch({ kind: 'rejected', reason: 'closed' });
  }

  /** Nothing is to be overtaken, and no follower is being copied to. */
  #mayPostSync(): boolean {
    return this.#parts.pending.queued === 0 && this.#leadership?.reshaping !== true;
  }

  #polled(): void {
    // Recycling goes on under a caller that never lets the event loop turn: no stop at the wrap.
    if ((++this.#polls & POLLS_PER_STEP_MASK) === 0) {
      const { announcer } = this.#parts;
      announcer.goesOn = true;
      this.step();
      announcer.goesOn = false;
    }
    this.#link.progressed();
    this.#publishProgress();
  }

  #drain(): boolean {
    this.#takeIn(this.#o.completionQueue.poll());
    return this.#leadership !== undefined;
  }

  /** Takes in the oldest `count` completions, and what they decide. */
  #takeIn(count: number): void {
    if (count > 0) {
      const leadership = this.#leadership;
      if (leadership !== undefined) {
        try {
          leadership.takeIn(count);
        } catch (error) {
          this.#endBy(leadership, error);
        }
      }
      this.#o.completionQueue.consume(count);
    }
    if (this.#leadership === undefined) return;
    const { fastPath, replayer } = this.#parts;
    const before = fastPath.decided;
    const decided = fastPath.settle();
    if (decided !== before) replayer.decidedUpTo(decided, fastPath.writer.release);
  }

  #follow(): void {
    const { replayer } = this.#parts;
    // Without an open log there is nothing to read; its state comes from another replica.
    const open = this.#link.int(Int.phase) === LogPhase.open;
    this.#mayLearn = open && replayer.learn(ENTRIES_PER_STEP);
    if (!open) return;
    replayer.apply(ENTRIES_PER_STEP);
    const epoch = this.#link.int(Int.epoch);
    if (epoch === 0 || epoch === this.#link.int(Int.endedEpoch)) return;
    if (epoch === this.#link.int(Int.deposed)) this.#link.setInt(Int.endedEpoch, epoch);
    else this.#gather(epoch);
  }

  /** Takes over once there are grants enough. */
  #gather(epoch: number): void {
    const { lanes, gathering, replayer } = this.#parts;
    const granted = gathering.ready(epoch);
    if (granted === undefined) return;
    // The last leader's entries may have arrived since we looked.
    while ((this.#mayLearn = replayer.learn(ENTRIES_PER_STEP)));
    // Nothing is asked for again before we lead, so each of these grants still stands.
    for (const lane of granted) lanes.take(lane);
    this.#link.setInt(Int.successor, 0);
    this.#leadership = new Leadership(epoch, granted, this.#o, this.#parts, () => this.#drain());
    this.#lead();
  }

  /** Does a round of the epoch's work, and ends the epoch when that says so. */
  #lead(): void {
    this.#within(lead);
    const { replayer, fastPath, proofs } = this.#parts;
    replayer.apply(ENTRIES_PER_STEP);
    this.#within(configured);
    // After a long catch-up it takes several steps until the state holds all that is decided.
    if (this.leading && replayer.applied >= fastPath.decided) proofs.settle();
  }

  /** Does some of the epoch's work, and ends the epoch when that says so. */
  #within(work: (leadership: Leadership<Result>) => void): void {
    const leadership = this.#leadership;
    if (leadership === undefined) return;
    try {
      work(leadership);
    } catch (error) {
      this.#endBy(leadership, error);
    }
  }

  /** The end may have come from within already: a doorbell's completions are taken in on the way. */
  #endBy(leadership: Leadership<Result>, error: unknown): void {
    if (!(error instanceof EpochEnded)) throw error;
    if (this.#leadership === leadership) this.#endEpoch(leadership.epoch, error.message);
  }

  #endEpoch(epoch: number, reason: string): void {
    const { fastPath, rounds, replayer, lanes, pending, proofs, reconfiguration, handOver } =
      this.#parts;
    this.#leadership = undefined;
    this.endedEpochs++;
    fastPath.end();
    rounds.reset();
    replayer.rescan();
    this.#link.setInt(Int.leading, 0);
    lanes.handBackAll();
    this.#link.setInt(Int.endedEpoch, epoch);
    const leader = handOver.endEpoch({ kind: 'notLeader', leader: undefined });
    const notDone = { kind: 'notLeader', leader } as const;
    pending.endEpoch(notDone, { kind: 'unknown', reason: 'lostPermission' });
    proofs.endEpoch(notDone);
    reconfiguration.endEpoch(notDone);
    this.#o.wakeBackground();
    this.#o.events.ended(reason);
  }

  #publish(): void {
    this.#publishProgress();
    const { applied, releasable, scanned } = this.#parts.replayer;
    this.#link.setOffset(Double.scanned, scanned);
    const upTo = Math.min(releasable, applied, this.#leadership?.copiesFrom ?? Infinity);
    // What may be zeroed already cannot be kept any more.
    if (upTo > this.#link.offset(Double.releasable)) this.#link.setOffset(Double.releasable, upTo);
  }

  #publishProgress(): void {
    const { replayer, fastPath } = this.#parts;
    this.#link.publishProgress(replayer.applied, replayer.known, fastPath.tail);
  }
}
