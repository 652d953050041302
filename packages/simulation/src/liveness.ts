import { Double, Int } from '@mu-smr/consensus/planes';
import type { Clients } from './clients.ts';
import { InvariantViolation, mustHold, type Invariant } from './invariant-violation.ts';
import type { Random } from './random.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { SimReplica } from './sim-replica.ts';

/** How long the cluster has for each promise once the faults are over, in virtual time. */
const SETTLE_US = 60_000;
const CALM_US = 10_000;
const WARM_UP_US = 2_000;
const LOAD_US = 4_000;
const WRAPS = 3;
const HAND_OVERS_MAX = 5;

/** What must come true again when the faults are over. Everything here throws with the broken promise. */
export class Liveness {
  readonly #cluster: SimCluster;
  readonly #clients: Clients;
  readonly #random: Random;

  constructor(cluster: SimCluster, clients: Clients, random: Random) {
    this.#cluster = cluster;
    this.#clients = clients;
    this.#random = random;
  }

  run(): void {
    this.#clients.stop();
    this.#cluster.transferStates();
    // Suspicions and candidacies of the last faults take their course first.
    this.#cluster.runUntil(this.#cluster.nowUs + CALM_US);
    // A lane that broke while nothing was written on it is found broken by the next write.
    this.#clients.start();
    this.#cluster.runUntil(this.#cluster.nowUs + WARM_UP_US);
    this.#clients.stop();
    this.#settle();
    if (this.#lostConnections) return;
    this.#steady();
    this.#handOver();
    if (this.#random.chance(0.3)) this.#stuckReplication();
    this.#wraps();
    this.#settle();
  }

  /** Replicas that lost each other stay so, for now: what needs both is not asked. */
  get #lostConnections(): boolean {
    return this.#cluster.alive.some((replica) => replica.lostPeers(this.#cluster.alive));
  }

  /** L1 one leader soon; L2 pending requests end; L3 every live follower reaches the leader's FUO. */
  #settle(): void {
    const { alive } = this.#cluster;
    if (!this.#lostConnections) this.#awaitLeader();
    this.#await(
      'L2',
      () => this.#clients.waiting === 0,
      () => `${this.#clients.waiting} requests wait; ${this.#progress()}`,
    );
    if (this.#lostConnections) return;
    this.#await(
      'L3',
      () => {
        const leader = this.#leader();
        return leader !== undefined && alive.every((replica) => this.#isServed(replica, leader));
      },
      () => this.#progress(),
    );
  }

  /** L4: no leader change while the leader makes progress. */
  #steady(): void {
    const leader = this.#leader();
    const epoch = leader?.link.int(Int.epoch);
    const before = this.#answered;
    this.#clients.start();
    this.#cluster.runUntil(this.#cluster.nowUs + LOAD_US);
    this.#clients.stop();
    const now = this.#leader();
    mustHold(
      'L4',
      now === leader && now?.link.int(Int.epoch) === epoch,
      () => `${leader?.host} led epoch ${epoch}, now ${this.#whoLeads()}`,
    );
    mustHold('L4', this.#answered > before, () => `${leader?.host} leads and answers nothing`);
  }

  /** Commands and reads: some seeds have hardly anything but reads. */
  get #answered(): number {
    return this.#clients.decided + this.#clients.reads;
  }

  /** L1, where a leader wants another to lead: that one does. */
  #handOver(): void {
    const successor = this.#random.pick(this.#cluster.alive);
    const outcomes: string[] = [];
    // It may find its lanes broken by the first write; then the old leader is elected again.
    for (let attempt = 1; attempt <= HAND_OVERS_MAX; attempt++) {
      const leader = this.#leader();
      if (leader === undefined || leader === successor) return;
      if (!this.#mayLead(successor, leader)) return;
      this.#cluster.transfer(successor, (kind) => outcomes.push(kind));
      this.#await(
        'L1',
        () => outcomes.length === attempt && this.#leader() !== undefined,
        () => `${leader.host} was to hand over to ${successor.host}; ${this.#whoLeads()}`,
      );
      this.#settle();
    }
    mustHold('L1', this.#leader() === successor, () => `${successor.host}: ${outcomes.join()}`);
  }

  /** Whether the leader counts it as a member that holds everything. */
  #mayLead(replica: SimReplica, leader: SimReplica): boolean {
    const { fastPath, membership } = leader.replication;
    return membership.isVoter(replica.id) && fastPath.active.some(({ to }) => to === replica.id);
  }

  /** L6: a replication plane that is stuck is a leader to be replaced. */
  #stuckReplication(): void {
    const leader = this.#leader();
    if (leader === undefined || this.#cluster.alive.length < 2) return;
    leader.block('replication', 1e12);
    this.#await(
      'L6',
      () => this.#cluster.leaders.some((other) => other !== leader),
      () => `${leader.host} is stuck and still alone leads`,
    );
    leader.unblock();
    this.#settle();
  }

  /** L5: a dead minority never stops commits, also over three wraps of the ring. */
  #wraps(): void {
    const { alive, options } = this.#cluster;
    if (this.#random.chance(0.5)) {
      const mayDie = alive.filter((replica) => this.#cluster.canLose(replica));
      if (mayDie.length > 0) this.#random.pick(mayDie).crash();
    }
    this.#awaitLeader();
    const from = this.#leader()?.replication.fastPath.decided ?? 0;
    const enough = WRAPS * options.geometry.capacityBytes;
    this.#clients.hurry();
    this.#clients.start();
    this.#await(
      'L5',
      () => (this.#leader()?.replication.fastPath.decided ?? 0) >= from + enough,
      () =>
        `from ${from} only to ${this.#leader()?.replication.fastPath.decided}: ${this.#progress()}`,
    );
    this.#clients.stop();
  }

  /** Whether a follower has all that is decided, or is known to need a state transfer. */
  #isServed(replica: SimReplica, leader: SimReplica): boolean {
    const { decided } = leader.replication.fastPath;
    const { applied, known } = replica.replication.replayer;
    if (applied === decided && known === decided) return true;
    // Beyond the ring: it must not count as confirmed.
    const confirmed = leader.replication.fastPath.active.some((lane) => lane.to === replica.id);
    return known < leader.link.offset(Double.head) && !confirmed;
  }

  #leader(): SimReplica | undefined {
    const { leaders } = this.#cluster;
    return leaders.length === 1 ? leaders[0] : undefined;
  }

  #awaitLeader(): void {
    const leads = (): boolean => this.#leader() !== undefined;
    this.#await('L1', leads, () => `leaders: ${this.#whoLeads()}`);
  }

  #await(promise: Invariant, holds: () => boolean, detail: () => string): void {
    const until = this.#cluster.nowUs + SETTLE_US;
    this.#cluster.runUntil(until, holds);
    if (!holds()) throw new InvariantViolation(promise, detail());
  }

  #whoLeads(): string {
    return `[${this.#cluster.leaders.map((leader) => leader.host).join(', ')}]; ${this.#progress()}`;
  }

  #progress(): string {
    return this.#cluster.alive
      .map(({ host, replication, background, link }) => {
        const { applied, known, scanned } = replication.replayer;
        const { decided, tail, limit, active } = replication.fastPath;
        const confirmed = active.map((lane) => lane.to).join('');
        return (
          `${host} ${replication.phase} applied ${applied} known ${known} scanned ${scanned} head ${link.offset(Double.head)}` +
          ` decided ${decided} tail ${tail} limit ${limit} confirmed ${confirmed} holder ${background.holder}` +
          ` phase ${link.int(Int.phase)} behind ${link.int(Int.behind)} strayed ${link.int(Int.strayed)} configured ${link.offset(Double.configured)}`
        );
      })
      .join('; ');
  }
}
