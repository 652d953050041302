import { strict as assert } from 'node:assert';
import type { LogOffset } from '@mu-smr/log';
import { CompletionEntry } from '@mu-smr/verbs';
import type { ProposeOutcome, ReadBarrierOutcome } from '../propose-outcome.ts';
import type { FastPath } from './fast-path.ts';
import { tagIsOf } from './lane.ts';
import { Leadership } from './leadership.ts';
import type { Proposal } from './pending.ts';
import type { PlaneLink } from './plane-link.ts';
import type { Replayer } from './replayer.ts';
import type { ReplicationPlaneOptions } from './replication-options.ts';
import { makeParts, type ReplicationParts } from './replication-parts.ts';
import { EpochEnded } from './round.ts';

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
  readonly #o: ReplicationPlaneOptions<Result>;
  readonly #link: PlaneLink;
  readonly #parts: ReplicationParts<Result>;
  #leadership: Leadership<Result> | undefined;
  /** The epoch whose grants are gathered, and since when there is a majority of them. */
  #gathered: { readonly epoch: number; readonly sinceUs: number } | undefined;
  #polls = 0;
  #endedEpochs = 0;

  constructor(options: ReplicationPlaneOptions<Result>) {
    this.#o = options;
    this.#link = options.link;
    this.#parts = makeParts(options, (lane) => this.#leadership?.dropLane(lane));
  }

  get phase(): 'following' | 'takingOver' | 'leading' {
    return this.#leadership === undefined ? 'following' : this.#leadership.phase;
  }

  get leading(): boolean {
    return this.phase === 'leading';
  }

  get replayer(): Replayer<Result> {
    return this.#parts.replayer;
  }

  get fastPath(): FastPath {
    return this.#parts.fastPath;
  }

  /** Entries posted with commands of our own. */
  get postedEntries(): number {
    return this.#parts.submission.postedEntries;
  }

  /** Epochs that were lost or given up. */
  get endedEpochs(): number {
    return this.#endedEpochs;
  }

  get readProofs(): number {
    return this.#parts.proofs.count;
  }

  get queued(): number {
    return this.#parts.pending.queued;
  }

  /** Whether something is under way whose end only polling shows. */
  get busy(): boolean {
    const { proofs, pending, fastPath, replayer } = this.#parts;
    return (
      this.phase === 'takingOver' ||
      this.#leadership?.growing === true ||
      proofs.waiting > 0 ||
      pending.queued > 0 ||
      pending.waiting > 0 ||
      (this.leading && fastPath.outstanding > 0) ||
      replayer.applied < replayer.known
    );
  }

  /** Queues a command; it is posted with the next step. */
  submit(proposal: Proposal<Result>): void {
    this.#parts.pending.enqueue(proposal);
  }

  /** Asks for a permission proof, posted with the next step. */
  prove(settle: (outcome: ReadBarrierOutcome) => void): void {
    this.#parts.proofs.want(settle);
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
   * Posts one command, whose result `takeSyncResult` returns once it is applied: the shortest way
   * through. `undefined` when there is no room, or commands are queued: then `step` must be called.
   */
  proposeSync(command: Uint8Array): LogOffset | undefined {
    assert(this.leading, 'only a leader proposes');
    return this.#mayPostSync ? this.#parts.submission.postSync(command) : undefined;
  }

  /**
   * Posts several commands as one entry without waiting: direct-mode pipelining. `undefined` when
   * there is no room now.
   */
  postSync(commands: readonly Uint8Array[]): LogOffset | undefined {
    assert(this.leading, 'only a leader proposes');
    return this.#mayPostSync ? this.#parts.submission.postBatchSync(commands) : undefined;
  }

  /** The hot half of `step`: completions of entries, and replay up to what they decide. */
  poll(): void {
    // Recycling goes on under a caller that never lets the event loop turn: no stop at the wrap.
    if ((++this.#polls & POLLS_PER_STEP_MASK) === 0) this.step();
    this.#drain();
    this.#parts.replayer.apply(ENTRIES_PER_STEP);
    this.#link.progressed();
    this.#publishProgress();
  }

  /** Whether the command of the last `proposeSync` was applied here. */
  get syncDone(): boolean {
    return this.#parts.pending.syncDone;
  }

  takeSyncResult(): Result {
    return this.#parts.pending.takeSyncResult();
  }

  /** Gives leadership up. */
  resign(reason: string): void {
    if (this.#leadership !== undefined) this.#endEpoch(this.#leadership.epoch, reason);
  }

  /** Fails whatever waits; nothing may be asked afterwards. */
  abandon(notDone: ProposeOutcome<Result>, unknown: ProposeOutcome<Result>): void {
    this.#parts.pending.endEpoch(notDone, unknown);
    this.#parts.proofs.endEpoch({ kind: 'rejected', reason: 'closed' });
  }

  /** Nothing is to be overtaken, and no follower is being copied to. */
  get #mayPostSync(): boolean {
    return this.#parts.pending.queued === 0 && this.#leadership?.growing !== true;
  }

  /** Takes in completions, and what they decide. */
  #drain(): void {
    const queue = this.#o.completionQueue;
    const count = queue.poll();
    if (count > 0) {
      try {
        this.#takeIn(count);
      } catch (error) {
        this.#endEpochBy(error, this.#leadership?.epoch);
      }
      queue.consume(count);
    }
    if (this.#leadership === undefined) return;
    const { fastPath, replayer } = this.#parts;
    const before = fastPath.decided;
    const decided = fastPath.settle();
    if (decided !== before) replayer.decidedUpTo(decided, fastPath.writer.release);
  }

  /** Completions of older epochs prove nothing in this one. */
  #takeIn(count: number): void {
    const queue = this.#o.completionQueue;
    const leadership = this.#leadership;
    if (leadership === undefined) return;
    const { words } = queue;
    for (let n = 0; n < count; n++) {
      const at = queue.at(n);
      const tag = words[at + CompletionEntry.workRequestIdHigh];
      if (!tagIsOf(tag, leadership.epoch)) continue;
      const status = words[at + CompletionEntry.status];
      if (status === 0) leadership.succeeded(tag, words[at + CompletionEntry.workRequestIdLow]);
      else leadership.failed(tag, status);
    }
  }

  #follow(): void {
    const { replayer } = this.#parts;
    replayer.learn(ENTRIES_PER_STEP);
    replayer.apply(ENTRIES_PER_STEP);
    const epoch = this.#link.int('epoch');
    if (epoch === 0 || epoch === this.#link.int('endedEpoch')) return;
    if (epoch === this.#link.int('deposed')) this.#link.setInt('endedEpoch', epoch);
    else this.#gather(epoch);
  }

  /** Waits for a majority of grants, and a little longer for the rest; then takes over. */
  #gather(epoch: number): void {
    const { self, tuning, nowUs } = this.#o;
    const { lanes, majority, replayer } = this.#parts;
    const granted = lanes.grantedSince(epoch);
    if (granted.length < majority || !granted.some((lane) => lane.to === self)) return;
    if (this.#gathered?.epoch !== epoch) this.#gathered = { epoch, sinceUs: nowUs() };
    const waited = nowUs() - this.#gathered.sinceUs;
    if (waited < tuning.grantGraceUs && lanes.somebodyMissing(granted)) return;

    // The last leader's entries may have arrived since we looked.
    while (replayer.learn(ENTRIES_PER_STEP));
    // Nothing is asked for again before we lead, so each of these grants still stands.
    for (const lane of granted) lanes.take(lane);
    this.#leadership = new Leadership(epoch, granted, this.#o, this.#parts, () => this.#drain());
    this.#lead();
  }

  /** Does a round of the epoch's work, and ends the epoch when that says so. */
  #lead(): void {
    const leadership = this.#leadership;
    try {
      if (leadership?.epoch === this.#link.int('deposed'))
        throw new EpochEnded('another replica was granted our log');
      leadership?.step();
    } catch (error) {
      this.#endEpochBy(error, leadership?.epoch);
    }
    const { replayer, fastPath, proofs } = this.#parts;
    replayer.apply(ENTRIES_PER_STEP);
    // After a long catch-up it takes several steps until the state holds all that is decided.
    if (this.leading && replayer.applied >= fastPath.decided) proofs.settle();
  }

  /** The end may have come from within already: a doorbell's completions are taken in on the way. */
  #endEpochBy(error: unknown, epoch: number | undefined): void {
    if (!(error instanceof EpochEnded)) throw error;
    if (epoch !== undefined && this.#leadership?.epoch === epoch)
      this.#endEpoch(epoch, error.message);
  }

  #endEpoch(epoch: number, reason: string): void {
    const { rounds, replayer, lanes, pending, proofs } = this.#parts;
    this.#leadership = undefined;
    this.#endedEpochs++;
    rounds.reset();
    replayer.rescan();
    this.#link.setInt('leading', 0);
    lanes.handBackAll();
    this.#link.setInt('endedEpoch', epoch);
    const notDone = { kind: 'notLeader', leader: undefined } as const;
    pending.endEpoch(notDone, { kind: 'unknown', reason: 'lostPermission' });
    proofs.endEpoch(notDone);
    this.#o.wakeBackground();
    this.#o.events.ended(reason);
  }

  #publish(): void {
    this.#publishProgress();
    const { replayer } = this.#parts;
    this.#link.setOffset('scanned', replayer.scanned);
    const copiesFrom = this.#leadership?.copiesFrom ?? Infinity;
    const upTo = Math.min(replayer.releasable, replayer.applied, copiesFrom);
    // What may be zeroed already cannot be kept any more.
    if (upTo > this.#link.offset('releasable')) this.#link.setOffset('releasable', upTo);
  }

  #publishProgress(): void {
    const { replayer, fastPath } = this.#parts;
    this.#link.publishProgress(replayer.applied, replayer.known, fastPath.tail);
  }
}
