import type { Tuning } from '../limits.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import type { OutgoingLane } from './background-lanes.ts';
import { Double, Int, LaneOwner, type PlaneLink } from './plane-link.ts';
import type { Outbox } from './outbox.ts';
import type { PermissionAck } from './scratchpad.ts';

export interface CandidacyOptions {
  readonly self: ReplicaId;
  /** How many replicas there is room for. */
  readonly slots: number;
  readonly link: PlaneLink;
  readonly tuning: Tuning;
  readonly nowUs: () => number;
  readonly outbox: Outbox;
  readonly ackOf: (granter: ReplicaId) => PermissionAck | undefined;
  /** Whether it may well answer: it is trusted, and its log has begun. */
  readonly trusts: (replica: ReplicaId) => boolean;
  readonly wakeReplication: () => void;
}

/**
 * Asks for the permissions of one epoch, hands the grants to the replication plane, and asks again
 * for followers that dropped out.
 *
 * An epoch's number is the sequence number of its first requests, so every grant at or above it
 * belongs to it. The next epoch begins only when the replication plane has ended the last.
 */
export class Candidacy {
  readonly #o: CandidacyOptions;
  readonly #lanes: (OutgoingLane | undefined)[];
  readonly #requested: number[];
  readonly #granted: number[];
  readonly #askedAtUs: number[];
  #sequence = 0;
  #epoch = 0;
  #since = 0;
  #standBackUntilUs = 0;

  constructor(options: CandidacyOptions) {
    this.#o = options;
    this.#lanes = new Array<undefined>(options.slots).fill(undefined);
    this.#requested = new Array<number>(options.slots).fill(0);
    this.#granted = new Array<number>(options.slots).fill(0);
    this.#askedAtUs = new Array<number>(options.slots).fill(0);
  }

  connect(granter: ReplicaId, lane: OutgoingLane): void {
    this.#lanes[granter] = lane;
  }

  /** Nobody is asked there any more, and what was granted there is void. */
  disconnect(granter: ReplicaId): void {
    this.#lanes[granter] = undefined;
    this.#requested[granter] = 0;
    this.#granted[granter] = 0;
    this.#askedAtUs[granter] = 0;
    this.#o.link.setInt(Int.grant, 0, granter);
  }

  /** The epoch that is sought or held; 0 when none is. */
  get claim(): number {
    return this.#epoch !== 0 && this.#o.link.int(Int.endedEpoch) !== this.#epoch ? this.#epoch : 0;
  }

  /** Begins an epoch, unless the last is not yet over or we stand back; returns whether it did. */
  stand(nowUs: number): boolean {
    if (this.claim !== 0 || nowUs < this.#standBackUntilUs) return false;
    this.#conclude();
    const { link } = this.#o;
    this.#epoch = ++this.#sequence;
    this.#since = nowUs;
    link.setOffset(Double.requestedAtUs, nowUs);
    link.setInt(Int.epoch, this.#epoch);
    // Whoever may well answer first: while it does, the others are asked.
    for (const to of this.#lanes.keys())
      if (to !== this.#o.self && this.#o.trusts(to)) this.#ask(to, this.#epoch, nowUs);
    this.#o.outbox.flush();
    for (const to of this.#lanes.keys())
      if (this.#requested[to] !== this.#epoch) this.#ask(to, this.#epoch, nowUs);
    return true;
  }

  /** Ends the epoch because our own log was granted to another, or nobody grants. */
  stepDown(nowUs: number): void {
    if (this.claim === 0) return;
    this.#standBack(nowUs);
    this.#o.link.setInt(Int.deposed, this.#epoch);
    this.#o.wakeReplication();
  }

  /** Once a round: gives up what takes too long, and asks again where a follower dropped out. */
  step(nowUs: number): void {
    const { link, tuning } = this.#o;
    if (this.claim === 0) {
      if (this.#epoch !== 0) this.#standBack(nowUs);
      this.#conclude();
      return;
    }
    this.collect();
    if (link.int(Int.leading) === 1) this.#since = nowUs;
    else if (nowUs - this.#since > tuning.grantTimeoutUs) this.stepDown(nowUs);
    if (link.int(Int.leading) === 1) this.#askAgain(nowUs);
  }

  /** Takes in acknowledgements. */
  collect(): void {
    if (this.claim === 0) return;
    for (const granter of this.#lanes.keys()) this.#collect(granter);
  }

  #collect(granter: ReplicaId): void {
    const { link } = this.#o;
    if (this.#granted[granter] === this.#requested[granter]) return;
    const ack = this.#o.ackOf(granter);
    if (ack === undefined || ack.sequence !== this.#requested[granter]) return;
    this.#granted[granter] = ack.sequence;
    link.setOffset(Double.grantKnown, ack.known, granter);
    link.setOffset(Double.grantHead, ack.head, granter);
    link.setOffset(Double.grantedAtUs, this.#o.nowUs(), granter);
    link.setInt(Int.grant, ack.sequence, granter);
    this.#o.wakeReplication();
  }

  /** A lane that the replication plane gave back after it had been granted is sought again. */
  #askAgain(nowUs: number): void {
    const { link, tuning } = this.#o;
    for (const to of this.#lanes.keys()) {
      const answered = this.#granted[to] === this.#requested[to];
      // A request, or its answer, may be lost with a connection: it is not waited for for ever.
      const patienceUs = answered ? tuning.regrantUs : tuning.grantTimeoutUs;
      const droppedOut =
        link.int(Int.lane, to) === LaneOwner.background && nowUs - this.#askedAtUs[to] > patienceUs;
      // The grant may just be on its way into the confirmed set: only a lane that was taken and given
      // back, or never taken for long, is asked for again.
      if (
        droppedOut &&
        this.#lanes[to] !== undefined &&
        this.#o.trusts(to) &&
        this.#withdrawGrant(to)
      ) {
        this.#lanes[to].repair();
        this.#ask(to, ++this.#sequence, nowUs);
      }
    }
  }

  /**
   * Takes the last grant back before another is asked for: with two of them under way, the follower
   * could be another leader's in between without our noticing. Each plane stores its word and then
   * looks at the other's, so at most one of them has the lane.
   */
  #withdrawGrant(from: ReplicaId): boolean {
    const { link } = this.#o;
    link.setInt(Int.grant, 0, from);
    if (link.int(Int.lane, from) === LaneOwner.background) return true;
    link.setInt(Int.grant, this.#granted[from], from);
    return false;
  }

  /** Repairs what broke in an epoch when that is over: when the next begins there is no time for it. */
  #conclude(): void {
    if (this.#epoch === 0) return;
    this.#epoch = 0;
    for (const lane of this.#lanes) lane?.repair();
  }

  #ask(to: ReplicaId, sequence: number, nowUs: number): void {
    const lane = this.#lanes[to];
    if (lane === undefined) return;
    this.#requested[to] = sequence;
    this.#askedAtUs[to] = nowUs;
    this.#o.link.count(Int.permissionRequests);
    this.#o.outbox.request(to, { sequence, generation: lane.generation });
  }

  #standBack(nowUs: number): void {
    const { self, tuning } = this.#o;
    this.#standBackUntilUs = nowUs + tuning.backOffUs * (1 + self);
  }
}
