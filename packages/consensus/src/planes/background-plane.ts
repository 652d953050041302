import {
  CompletionEntry,
  type CompletionQueue,
  type MemoryRegion,
  type SendRing,
} from '@mu-smr/verbs';
import type { GroupNonce, LogGeometry, LogOffset } from '@mu-smr/log';
import { FateSharing } from '../core/fate-sharing.ts';
import type { Tuning } from '../limits.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import { OutgoingLane } from './background-lanes.ts';
import { BehindWatch } from './behind-watch.ts';
import { Candidacy } from './candidacy.ts';
import { Electorate } from './electorate.ts';
import { LogOpening } from './log-opening.ts';
import { Outbox } from './outbox.ts';
import { OwnLog } from './own-log.ts';
import { PeerMonitor, type BackgroundConnection } from './peer-monitor.ts';
import { PermissionManager } from './permission-manager.ts';
import { Double, Int, LogPhase, type PlaneLink } from './plane-link.ts';
import { Recycling } from './recycling.ts';
import { handOverClaim, NoClaim, Scratchpad } from './scratchpad.ts';
import { SleepWatch } from './sleep-watch.ts';
import { Succession } from './succession.ts';
import { TakeOverBoost } from './take-over-boost.ts';

/** How long after the leader was suspected a request is expected. */
const REQUEST_EXPECTED_US = 300;

export interface BackgroundPlaneOptions {
  readonly self: ReplicaId;
  /** How many replicas there is room for. */
  readonly slots: number;
  readonly link: PlaneLink;
  readonly scratch: MemoryRegion;
  readonly log: Uint8Array;
  readonly sendRing: SendRing;
  readonly completionQueue: CompletionQueue;
  readonly geometry: LogGeometry;
  readonly nonce: GroupNonce;
  readonly tuning: Tuning;
  /** The clock that `step` is called by. */
  readonly nowUs: () => number;
  /** Has the replication plane step soon. */
  readonly wakeReplication: () => void;
  /** Lets the replication plane's thread run before others, or no longer. */
  readonly raiseReplication: (raised: boolean) => void;
}

/**
 * Heartbeat and election, permissions, recycling: everything beside replication. One `step`, called
 * again and again from a thread of its own, or by the simulator.
 */
export class BackgroundPlane {
  readonly #o: BackgroundPlaneOptions;
  readonly #link: PlaneLink;
  readonly #scratch: Scratchpad;
  readonly #outbox: Outbox;
  readonly #electorate: Electorate;
  #monitors: PeerMonitor[] = [];
  readonly #permissions: PermissionManager;
  readonly #candidacy: Candidacy;
  readonly #recycling: Recycling;
  readonly #fate: FateSharing;
  readonly #ownLog: OwnLog;
  readonly #behindWatch: BehindWatch;
  readonly #opening: LogOpening;
  readonly #sleepWatch: SleepWatch;
  readonly #succession: Succession;
  readonly #boost: TakeOverBoost;
  readonly #isRemoved = (replica: ReplicaId): boolean => this.#link.isRemoved(replica);
  #heartbeat = 0;
  #grantedAtUs: number;
  /** This round has something for the replication plane. */
  #wakeWanted = false;
  #expectsRequestUntilUs = 0;

  constructor(options: BackgroundPlaneOptions) {
    const { self, slots, link, scratch, tuning, nowUs, geometry, log, nonce } = options;
    this.#o = options;
    this.#link = link;
    this.#scratch = new Scratchpad(scratch.bytes);
    this.#outbox = new Outbox(self, this.#scratch, options.sendRing);
    this.#electorate = new Electorate(self, slots, link, tuning);
    this.#permissions = new PermissionManager(slots, () =>
      this.#ownLog.rollBack(this.#recycling.head),
    );
    this.#recycling = new Recycling(link, log, geometry);
    this.#fate = new FateSharing(tuning.fateSharingUs);
    this.#succession = new Succession(self, link, tuning);
    this.#boost = new TakeOverBoost(options.raiseReplication);
    this.#sleepWatch = new SleepWatch(link, log, geometry, nonce, tuning);
    this.#ownLog = new OwnLog(log, geometry, nonce);
    this.#behindWatch = new BehindWatch(link, this.#ownLog);
    this.#opening = new LogOpening(link, this.#scratch, slots);
    this.#grantedAtUs = nowUs();
    this.#candidacy = new Candidacy({
      self,
      slots,
      link,
      tuning,
      nowUs,
      outbox: this.#outbox,
      ackOf: (granter) => this.#scratch.ack(granter),
      trusts: (replica) => this.#trusts(replica),
      wakeReplication: () => this.#wake(),
    });
  }

  /** Begins to watch a replica, and to grant it our log and to ask it for its own. */
  connect({ id, incoming, outgoing, peer }: BackgroundConnection, nowUs: number): void {
    const { scratch, sendRing, tuning } = this.#o;
    this.#permissions.connect(id, incoming);
    this.#candidacy.connect(id, new OutgoingLane(outgoing));
    if (peer === undefined) return;
    const monitor = new PeerMonitor(peer, this.#scratch, scratch, sendRing, tuning, nowUs);
    this.#watch([...this.#monitors, monitor].sort((a, b) => a.id - b.id));
    this.#link.setInt(Int.trusted, 1, id);
  }

  /**
   * Takes away what a replica had of us, and forgets it; its queue pair with this plane must be closed
   * already. Another incarnation may be connected then.
   */
  disconnect(id: ReplicaId, nowUs: number): void {
    this.#permissions.disconnect(id);
    this.#candidacy.disconnect(id);
    this.#watch(this.#monitors.filter((monitor) => monitor.id !== id));
    this.#electorate.forget(id);
    // What completed on that queue pair is nobody's any more.
    this.#drain(nowUs);
    this.#scratch.clear(id);
    for (const field of [Double.peerHead, Double.peerApplied]) this.#link.setOffset(field, 0, id);
    this.#link.setInt(Int.waitedFor, 0, id);
  }

  #watch(monitors: PeerMonitor[]): void {
    this.#monitors = monitors;
    this.#outbox.monitors = monitors;
  }

  /** Who may write our log now: what a test looks at. */
  get holder(): ReplicaId | undefined {
    return this.#permissions.holder;
  }

  get claim(): number {
    return this.#candidacy.claim;
  }

  /**
   * One round. The heartbeat comes first: whoever wakes late must not look dead for what follows.
   * Returns whether a candidate is about to ask for our log, so that this is better waited for awake.
   */
  step(nowUs: number): boolean {
    this.#beat(nowUs);
    // What completed since the last round first: a pull that came back is not one that was missed.
    this.#drain(nowUs);
    if (this.#opening.look(this.#monitors, this.#permissions))
      this.#recycling.beginAt(this.#link.offset(Double.base));
    // A candidate waits for the one, and our own replication plane for the other.
    if (this.#opening.settled) this.#handleRequests(nowUs);
    this.#candidacy.collect();
    this.#publishStatus(nowUs);
    const kept = this.#link.offset(Double.releasable);
    for (const monitor of this.#monitors) monitor.pull(nowUs, kept);
    this.#o.sendRing.doorbell();
    // Where a pull completes within the doorbell, its news counts in this very round.
    this.#drain(nowUs);
    if (this.#opening.open) this.#recycling.step(this.#monitors, nowUs);
    // Somebody stands now, and asks for our log in a moment.
    if (this.#electorate.judge(this.#monitors, nowUs))
      this.#expectsRequestUntilUs = nowUs + REQUEST_EXPECTED_US;
    this.#noticeBehind(nowUs);
    if (this.#opening.settled || !this.#opening.open) this.#elect(nowUs);
    this.#candidacy.step(nowUs);
    if (this.#sleepWatch.mustWake(nowUs)) this.#wake();
    this.#deliver(nowUs);
    return nowUs < this.#expectsRequestUntilUs;
  }

  /** Peers first: what was written to them is on its way before our own thread is woken. */
  #deliver(nowUs: number): void {
    this.#outbox.flush();
    this.#boost.step(this.#candidacy.claim !== 0, nowUs);
    if (this.#wakeWanted) this.#o.wakeReplication();
    this.#wakeWanted = false;
  }

  #beat(nowUs: number): void {
    const progress = this.#link.int(Int.progress);
    if (this.#fate.mayBeat(progress, nowUs)) this.#heartbeat++;
    if (this.#fate.shouldAsk(nowUs)) this.#wake();
  }

  #drain(nowUs: number): void {
    const queue = this.#o.completionQueue;
    const count = queue.poll();
    const known = this.#link.offset(Double.known);
    for (let n = 0; n < count; n++) {
      const id = queue.word(n, CompletionEntry.workRequestIdHigh);
      const purpose = queue.word(n, CompletionEntry.workRequestIdLow);
      const ok = queue.word(n, CompletionEntry.status) === 0;
      for (const monitor of this.#monitors)
        if (monitor.id === id) monitor.completed(purpose, ok, nowUs, known);
    }
    if (count > 0) queue.consume(count);
  }

  #handleRequests(nowUs: number): void {
    const { self } = this.#o;
    for (const { to, sequence } of this.#permissions.handle(this.#scratch, this.#isRemoved)) {
      this.#grantedAtUs = nowUs;
      this.#expectsRequestUntilUs = 0;
      this.#link.count(Int.permissionsGranted);
      if (to !== self) this.#candidacy.stepDown(nowUs);
      this.#outbox.acknowledge(to, {
        sequence,
        known: this.#known(to),
        head: this.#recycling.head,
      });
    }
    this.#outbox.flush();
    this.#link.setInt(Int.slowSwitches, this.#permissions.slowSwitches);
  }

  /** How far the log is known to be decided; our own replication plane reads it itself before it leads. */
  #known(to: ReplicaId): LogOffset {
    const known = this.#link.offset(Double.known);
    return to === this.#o.self
      ? known
      : this.#ownLog.known(known, this.#link.offset(Double.scanned));
  }

  #elect(nowUs: number): void {
    const { self } = this.#o;
    const { holder } = this.#permissions;
    const own = this.#succession.successor(holder, nowUs);
    const choice = this.#electorate.choose(this.#monitors, own, holder, this.#grantedAtUs, nowUs);
    const leading = this.#link.int(Int.leading) === 1;
    if (choice.kind === 'stand' && this.#candidacy.stand(nowUs)) {
      this.#boost.begin(nowUs);
      // It learns and applies what the last leader left while the others grant.
      this.#o.wakeReplication();
      // Our own grant need not wait for theirs.
      if (this.#opening.open) this.#handleRequests(nowUs);
    }
    const leader = choice.kind === 'follow' ? choice.leader : leading ? self : -1;
    if (leader === this.#link.int(Int.leader)) return;
    this.#link.setInt(Int.leader, leader);
    // Whoever follows somebody has nobody to take over from.
    if (choice.kind === 'follow') this.#link.setOffset(Double.suspectedAtUs, 0);
    this.#wake();
  }

  #publishStatus(nowUs: number): void {
    this.#scratch.writeStatus(
      this.#heartbeat,
      this.#recycling.progress(),
      this.#recycling.head,
      this.#link.offset(Double.known),
      this.#claimed(nowUs),
      this.#link.offset(Double.configured),
    );
  }

  #claimed(nowUs: number): number {
    if (this.#link.int(Int.phase) === LogPhase.closed) return NoClaim.closed;
    const successor = this.#succession.successor(this.#permissions.holder, nowUs);
    if (successor !== undefined && this.#candidacy.claim === 0) return handOverClaim(successor);
    const eligible = this.#opening.open && this.#electorate.isEligible(this.#monitors);
    return eligible || this.#candidacy.claim !== 0 ? this.#candidacy.claim : NoClaim.ineligible;
  }

  #trusts(replica: ReplicaId): boolean {
    for (const { id, trusted, begun } of this.#monitors)
      if (id === replica) return trusted && begun;
    return true;
  }

  /** A log that no leader can bring further is closed until it is opened anew. */
  #noticeBehind(nowUs: number): void {
    if (!this.#opening.open || !this.#behindWatch.isBehind(this.#monitors)) return;
    this.#permissions.withdraw();
    this.#candidacy.stepDown(nowUs);
    this.#opening.close();
    this.#wake();
  }

  #wake(): void {
    this.#wakeWanted = true;
  }
}
