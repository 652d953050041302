import {
  CompletionEntry,
  type CompletionQueue,
  type MemoryRegion,
  type QueuePairControl,
  type SendRing,
} from '@mu-smr/verbs';
import type { GroupNonce, LogGeometry, LogOffset } from '@mu-smr/log';
import { FateSharing } from '../core/fate-sharing.ts';
import { chooseLeader, type LeaderView } from '../core/leader-choice.ts';
import { releaseBound, waitedFor, type RecyclingMember } from '../core/recycle-bound.ts';
import type { Tuning } from '../limits.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import { OutgoingLane } from './background-lanes.ts';
import { Candidacy } from './candidacy.ts';
import { OwnLog } from './own-log.ts';
import { PeerMonitor, type BackgroundPeer } from './peer-monitor.ts';
import { PermissionManager } from './permission-manager.ts';
import type { PlaneLink } from './plane-link.ts';
import { Recycler } from './recycler.ts';
import { ACKNOWLEDGEMENT_BYTES, REQUEST_BYTES, Scratchpad } from './scratchpad.ts';
import { SleepWatch } from './sleep-watch.ts';
import { TakeOverBoost } from './take-over-boost.ts';

export interface BackgroundPlaneOptions {
  readonly self: ReplicaId;
  readonly replicas: number;
  readonly link: PlaneLink;
  /** Every other replica. */
  readonly peers: readonly BackgroundPeer[];
  /** By requester's id: the ends at which peers, and we ourselves, write our log. */
  readonly incoming: readonly QueuePairControl[];
  /** By target's id: the ends on which our replication plane posts. */
  readonly outgoing: readonly QueuePairControl[];
  readonly scratch: MemoryRegion;
  readonly log: Uint8Array;
  readonly sendRing: SendRing;
  readonly completionQueue: CompletionQueue;
  readonly geometry: LogGeometry;
  readonly nonce: GroupNonce;
  readonly tuning: Tuning;
  readonly nowUs: number;
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
  readonly #monitors: PeerMonitor[];
  readonly #permissions: PermissionManager;
  readonly #candidacy: Candidacy;
  readonly #recycler: Recycler;
  readonly #fate: FateSharing;
  readonly #ownLog: OwnLog;
  readonly #sleepWatch: SleepWatch;
  readonly #boost: TakeOverBoost;
  /** Filled anew each tick: a tick allocates nothing that outlives it. */
  readonly #view: LeaderView;
  #heartbeat = 0;
  #grantedAtUs: number;
  /** This round wrote something to a peer; has something for the replication plane. */
  #posted = false;
  #wakeWanted = false;

  constructor(options: BackgroundPlaneOptions) {
    const { link, scratch, sendRing, tuning, nowUs, geometry, log, nonce } = options;
    this.#o = options;
    this.#link = link;
    this.#scratch = new Scratchpad(scratch.bytes);
    this.#monitors = options.peers.map(
      (peer) => new PeerMonitor(peer, this.#scratch, scratch, sendRing, tuning, nowUs),
    );
    this.#permissions = new PermissionManager(options.incoming, () =>
      this.#ownLog.rollBack(this.#recycler.head),
    );
    this.#recycler = new Recycler(log, geometry);
    this.#fate = new FateSharing(tuning.fateSharingUs);
    this.#boost = new TakeOverBoost(options.raiseReplication);
    this.#sleepWatch = new SleepWatch(link, log, geometry, nonce, tuning.idleFlushUs);
    this.#view = {
      self: options.self,
      eligible: true,
      trusted: new Array<boolean>(options.replicas).fill(true),
      claims: new Array<boolean>(options.replicas).fill(false),
      electable: new Array<boolean>(options.replicas).fill(true),
      holder: undefined,
      holderOverdue: false,
    };
    this.#ownLog = new OwnLog(log, geometry, nonce);
    this.#grantedAtUs = nowUs;
    this.#candidacy = new Candidacy({
      self: options.self,
      lanes: options.outgoing.map((control) => new OutgoingLane(control)),
      link: options.link,
      tuning,
      send: (to, request) => {
        const at = Scratchpad.requestAt(options.self);
        this.#send(to, Scratchpad.outRequestAt(to), REQUEST_BYTES, at, (into) =>
          this.#scratch.writeRequest(into, request),
        );
      },
      ackOf: (granter) => this.#scratch.ack(granter),
      trusts: (replica) => this.#trusts(replica),
      wakeReplication: () => this.#wake(),
    });
  }

  /** Who may write our log now: what a test looks at. */
  get holder(): ReplicaId | undefined {
    return this.#permissions.holder;
  }

  get claim(): number {
    return this.#candidacy.claim;
  }

  /** One round. The heartbeat comes first: whoever wakes late must not look dead for what follows. */
  step(nowUs: number): void {
    this.#beat(nowUs);
    // What completed since the last round first: a pull that came back is not one that was missed.
    this.#drain(nowUs);
    // A candidate waits for this: the acknowledgement goes with the pulls.
    this.#handleRequests(nowUs);
    this.#publishStatus();
    for (const monitor of this.#monitors) monitor.pull(nowUs);
    this.#ring();
    // Where a pull completes within the doorbell, its news counts in this very round.
    this.#drain(nowUs);
    this.#recycle(nowUs);
    this.#judgePeers(nowUs);
    this.#elect(nowUs);
    this.#candidacy.step(nowUs);
    if (this.#sleepWatch.mustWake(nowUs)) this.#wake();
    this.#deliver(nowUs);
  }

  /** Peers first: what was written to them is on its way before our own thread is woken. */
  #deliver(nowUs: number): void {
    if (this.#posted) this.#ring();
    this.#boost.step(this.#candidacy.claim !== 0, nowUs);
    if (this.#wakeWanted) this.#o.wakeReplication();
    this.#wakeWanted = false;
  }

  #ring(): void {
    this.#o.sendRing.doorbell();
    this.#posted = false;
  }

  #beat(nowUs: number): void {
    const progress = this.#link.int('progress');
    if (this.#fate.mayBeat(progress, nowUs)) this.#heartbeat++;
    if (this.#fate.shouldAsk(nowUs)) this.#wake();
  }

  #drain(nowUs: number): void {
    const queue = this.#o.completionQueue;
    const count = queue.poll();
    for (let n = 0; n < count; n++) {
      const id = queue.word(n, CompletionEntry.workRequestIdHigh);
      const purpose = queue.word(n, CompletionEntry.workRequestIdLow);
      const ok = queue.word(n, CompletionEntry.status) === 0;
      for (const monitor of this.#monitors)
        if (monitor.id === id) monitor.completed(purpose, ok, nowUs);
    }
    if (count > 0) queue.consume(count);
  }

  #recycle(nowUs: number): void {
    this.#recycler.step(this.#link.offset('releasable'));
    this.#link.setOffset('head', this.#recycler.head);
    for (const { id, status } of this.#monitors) {
      this.#link.setOffset('peerHead', status.head, id);
      this.#link.setOffset('peerApplied', status.applied, id);
    }
    if (this.#link.int('leading') === 1) this.#release(nowUs);
  }

  /** Leader: how far all whom we wait for have applied. */
  #release(nowUs: number): void {
    const { capacityBytes } = this.#o.geometry;
    // Whoever is behind our own ring needs a state transfer, whatever an earlier leader waited for.
    const released = Math.max(this.#link.offset('release'), this.#recycler.head) as LogOffset;
    const tail = this.#link.offset('tail');
    const members: RecyclingMember[] = [{ applied: this.#link.offset('applied'), keepsUp: true }];
    for (const monitor of this.#monitors) {
      const member = { applied: monitor.status.applied, keepsUp: monitor.keepsUp(nowUs) };
      members.push(member);
      const waits = waitedFor(member, released, tail, capacityBytes);
      this.#link.setInt('waitedFor', waits ? 1 : 0, monitor.id);
    }
    this.#link.setOffset('release', releaseBound(members, released, tail, capacityBytes));
  }

  #handleRequests(nowUs: number): void {
    const { self } = this.#o;
    for (const { to, sequence } of this.#permissions.handle(this.#scratch)) {
      this.#grantedAtUs = nowUs;
      this.#link.count('permissionsGranted');
      if (to !== self) this.#candidacy.stepDown(nowUs);
      const known = this.#ownLog.known(this.#link.offset('known'), this.#link.offset('scanned'));
      const ack = { sequence, known, head: this.#recycler.head };
      this.#send(to, Scratchpad.outAckAt(to), ACKNOWLEDGEMENT_BYTES, Scratchpad.ackAt(self), (at) =>
        this.#scratch.writeAck(at, ack),
      );
    }
    this.#link.setInt('slowSwitches', this.#permissions.slowSwitches);
  }

  #judgePeers(nowUs: number): void {
    for (const monitor of this.#monitors) {
      if (monitor.judge(nowUs)) {
        this.#link.count('suspicions');
        this.#link.setOffset('suspectedAtUs', nowUs);
        this.#link.setOffset('suspected', monitor.id);
      }
      this.#link.setInt('trusted', monitor.trusted ? 1 : 0, monitor.id);
      this.#link.setInt('score', monitor.score, monitor.id);
    }
  }

  #elect(nowUs: number): void {
    const { self, tuning } = this.#o;
    const view = this.#view;
    view.holder = this.#permissions.holder;
    view.eligible = this.#link.int('strayed') === 0;
    let lastClaimUs = this.#grantedAtUs;
    for (const monitor of this.#monitors) {
      view.trusted[monitor.id] = monitor.trusted;
      view.claims[monitor.id] = monitor.status.claim > 0;
      view.electable[monitor.id] = monitor.status.claim >= 0;
      if (monitor.id === view.holder) lastClaimUs = Math.max(lastClaimUs, monitor.lastClaimUs);
    }
    view.holderOverdue = nowUs - lastClaimUs > tuning.claimPatienceUs;
    const choice = chooseLeader(view);
    const leading = this.#link.int('leading') === 1;
    if (choice.kind === 'stand' && this.#candidacy.stand(nowUs)) {
      this.#boost.begin(nowUs);
      // It learns and applies what the last leader left while the others grant.
      this.#wake();
      // Our own grant need not wait for theirs.
      this.#ring();
      this.#handleRequests(nowUs);
    }
    const leader = choice.kind === 'follow' ? choice.leader : leading ? self : -1;
    if (leader === this.#link.int('leader')) return;
    this.#link.setInt('leader', leader);
    this.#wake();
  }

  #publishStatus(): void {
    this.#scratch.writeStatus(
      this.#heartbeat,
      this.#link.offset('applied'),
      this.#recycler.head,
      this.#link.offset('known'),
      this.#link.int('strayed') === 1 ? -1 : this.#candidacy.claim,
    );
  }

  #trusts(replica: ReplicaId): boolean {
    return this.#monitors.every((monitor) => monitor.id !== replica || monitor.trusted);
  }

  /** Composes a line and carries it to a replica: a local store when that is ourselves. */
  #send(
    to: ReplicaId,
    from: number,
    bytes: number,
    at: number,
    compose: (at: number) => void,
  ): void {
    if (to === this.#o.self) {
      compose(at);
      return;
    }
    compose(from);
    for (const monitor of this.#monitors) if (monitor.id === to) monitor.write(from, bytes, at);
    this.#posted = true;
  }

  #wake(): void {
    this.#wakeWanted = true;
  }
}
