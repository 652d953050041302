import type { Tuning } from '../limits.ts';
import type { HandOverOutcome, ReplicaId } from '../propose-outcome.ts';
import type { Announcer } from './announcer.ts';
import type { FastPath } from './fast-path.ts';
import type { Membership } from './membership.ts';
import { Double, Int, type PlaneLink } from './plane-link.ts';
import type { Reconfiguration } from './reconfiguration.ts';
import { EpochEnded } from './round.ts';

export interface HandOverOptions {
  readonly self: ReplicaId;
  readonly link: PlaneLink;
  readonly fastPath: FastPath;
  readonly membership: Membership;
  readonly announcer: Announcer;
  readonly reconfiguration: Reconfiguration;
  readonly nowUs: () => number;
  readonly tuning: Tuning;
}

interface Asked {
  readonly to: ReplicaId | undefined;
  readonly sinceUs: number;
  readonly settle: (outcome: HandOverOutcome) => void;
}

/**
 * Gives leadership to another replica, on a leader: it posts nothing more, lets what it posted be
 * decided, tells everybody, names its successor and ends its epoch. The successor stands at once,
 * without anybody's suspicion (`Succession` is the other plane's half of it).
 *
 * Who leads is no matter of safety: should the successor die, it is elected as always.
 */
export class HandOver {
  readonly #o: HandOverOptions;
  #asked: Asked | undefined;
  /** Whom this epoch was ended for. */
  #successor: ReplicaId | undefined;

  constructor(options: HandOverOptions) {
    this.#o = options;
  }

  /** Asks for it; `to` undefined = whichever follower is confirmed. */
  ask(to: ReplicaId | undefined, settle: (outcome: HandOverOutcome) => void): void {
    if (this.#asked !== undefined) settle({ kind: 'rejected', reason: 'busy' });
    else this.#asked = { to, settle, sinceUs: this.#o.nowUs() };
  }

  /** Nothing more is posted. */
  get pending(): boolean {
    return this.#asked !== undefined;
  }

  /** Once a round of a leader. Ends the epoch when everything is done. */
  step(): void {
    const asked = this.#asked;
    if (asked === undefined) return;
    const to = this.#choose(asked.to);
    if (to === undefined) this.#settle({ kind: 'rejected', reason: 'noSuccessor' });
    else if (this.#isReady(to)) {
      this.#successor = to;
      this.#o.link.setInt(Int.successor, to + 1);
      throw new EpochEnded(`leadership goes to replica ${to}`);
    } else if (this.#o.nowUs() - asked.sinceUs > this.#o.tuning.grantTimeoutUs)
      this.#settle({ kind: 'rejected', reason: 'busy' });
  }

  /** The epoch is over, for this reason or another; returns who follows, if that is known. */
  endEpoch(otherwise: HandOverOutcome): ReplicaId | undefined {
    const to = this.#successor;
    this.#successor = undefined;
    this.#settle(to === undefined ? otherwise : { kind: 'handedOver', to });
    return to;
  }

  /** A member whose log is confirmed, and that is trusted. */
  #choose(wanted: ReplicaId | undefined): ReplicaId | undefined {
    const { self, link, fastPath, membership } = this.#o;
    let chosen: ReplicaId | undefined;
    for (const { to } of fastPath.active) {
      if (to === self || !membership.isVoter(to) || link.int(Int.trusted, to) !== 1) continue;
      if ((wanted === undefined || to === wanted) && (chosen === undefined || to < chosen))
        chosen = to;
    }
    return chosen;
  }

  /** Nothing is under way, everybody was told, and the successor knows whose majority it needs. */
  #isReady(to: ReplicaId): boolean {
    const { link, fastPath, membership, announcer, reconfiguration } = this.#o;
    return (
      fastPath.outstanding === 0 &&
      link.offset(Double.applied) >= fastPath.decided &&
      !reconfiguration.pending &&
      announcer.told &&
      link.offset(Double.peerApplied, to) >= membership.since
    );
  }

  #settle(outcome: HandOverOutcome): void {
    const asked = this.#asked;
    this.#asked = undefined;
    asked?.settle(outcome);
  }
}
