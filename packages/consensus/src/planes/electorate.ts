import { chooseLeader, type LeaderChoice, type LeaderView } from '../core/leader-choice.ts';
import type { Tuning } from '../limits.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import type { PeerMonitor } from './peer-monitor.ts';
import { Double, Int, type PlaneLink } from './plane-link.ts';
import { successorIn } from './scratchpad.ts';

/** Judges the peers, and says who of them all should lead. */
export class Electorate {
  readonly #self: ReplicaId;
  readonly #link: PlaneLink;
  readonly #tuning: Tuning;
  /** Filled anew each tick: a tick allocates nothing that outlives it. */
  readonly #view: LeaderView;
  /** By peer: which life of it was suspected, and not trusted again since; 0 = none. */
  readonly #suspected: Float64Array;

  constructor(self: ReplicaId, slots: number, link: PlaneLink, tuning: Tuning) {
    this.#self = self;
    this.#link = link;
    this.#tuning = tuning;
    this.#suspected = new Float64Array(slots);
    this.#view = {
      self,
      eligible: true,
      trusted: new Array<boolean>(slots).fill(false),
      claims: new Array<boolean>(slots).fill(false),
      electable: new Array<boolean>(slots).fill(false),
      holder: undefined,
      holderOverdue: false,
      successor: undefined,
    };
  }

  /**
   * Forms the verdict on each peer anew, and tells the other plane. True when the leader, as we believe,
   * has just become suspected.
   */
  judge(monitors: readonly PeerMonitor[], nowUs: number): boolean {
    const leader = this.#link.int(Int.leader);
    let leaderless = false;
    for (const monitor of monitors) {
      const leads = monitor.id === leader;
      if (monitor.judge(nowUs, leads)) {
        this.#suspect(monitor.id, nowUs, leads);
        leaderless ||= leads;
      } else if (monitor.trusted && this.#suspected[monitor.id] !== 0) {
        // Another life says nothing of the one that was suspected.
        if (this.#suspected[monitor.id] === this.#link.offset(Double.connected, monitor.id))
          this.#link.count(Int.falseSuspicions);
        this.#suspected[monitor.id] = 0;
      }
      this.#link.setInt(Int.trusted, monitor.trusted ? 1 : 0, monitor.id);
      this.#link.setInt(Int.score, monitor.score, monitor.id);
    }
    return leaderless;
  }

  /** Counts a suspicion; that of whom we believe to lead is what a take-over may follow from. */
  #suspect(peer: ReplicaId, nowUs: number, leads: boolean): void {
    const link = this.#link;
    link.count(Int.suspicions);
    this.#suspected[peer] = link.offset(Double.connected, peer);
    if (!leads) return;
    link.setOffset(Double.suspectedAtUs, nowUs);
    link.setOffset(Double.suspected, peer);
  }

  /** Nobody is there any more. */
  forget(peer: ReplicaId): void {
    this.#view.trusted[peer] = false;
    this.#link.setInt(Int.trusted, 0, peer);
  }

  /**
   * Whether we may lead: as a member with an open log, whose ring holds what the others of a majority
   * still miss, those included that are not trusted just now: they may well grant. Once they did not, and
   * whoever granted was behind our ring, only those count that are trusted, or we stood for ever for one
   * that is dead. A log that was opened anew holds little: those with more history bring it further.
   */
  isEligible(monitors: readonly PeerMonitor[]): boolean {
    const link = this.#link;
    if (link.int(Int.strayed) === 1 || link.int(Int.behind) !== 0) return false;
    if (link.int(Int.voter, this.#self) === 0) return false;
    const kept = link.offset(Double.releasable);
    const unserved = link.int(Int.unserved) === 1;
    let served = 1;
    for (const { id, status, trusted, servable } of monitors) {
      const held = status.known >= kept || (trusted && servable);
      if (link.int(Int.voter, id) === 1 && held && (trusted || !unserved)) served++;
    }
    return served >= link.int(Int.majority);
  }

  /** `own` is whom we want to lead, `grantedAtUs` when the holder was granted our log. */
  choose(
    monitors: readonly PeerMonitor[],
    own: ReplicaId | undefined,
    holder: ReplicaId | undefined,
    grantedAtUs: number,
    nowUs: number,
  ): LeaderChoice {
    const view = this.#view;
    const link = this.#link;
    const configured = link.offset(Double.configured);
    view.holder = holder;
    view.successor = own;
    view.eligible = own === undefined && this.isEligible(monitors);
    let lastClaimUs = grantedAtUs;
    for (const monitor of monitors) {
      const { id, status } = monitor;
      view.trusted[id] = monitor.trusted;
      view.claims[id] = status.claim > 0;
      // Whoever has not heard of the last change of the membership may ask the wrong majority: it is
      // for those to lead that have, and to tell the others.
      view.electable[id] = status.claim >= 0 && status.configured >= configured;
      const successor = successorIn(status.claim);
      if (monitor.trusted && successor !== undefined) view.successor = successor;
      const mayLead = status.claim >= 0 || successor !== undefined;
      if (monitor.trusted && mayLead && status.configured > configured) view.eligible = false;
      if (id === holder) lastClaimUs = Math.max(lastClaimUs, monitor.lastClaimUs);
    }
    view.holderOverdue =
      view.successor !== undefined || nowUs - lastClaimUs > this.#tuning.claimPatienceUs;
    return chooseLeader(view);
  }
}
