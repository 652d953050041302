import { LOG_HEADER_BYTES } from '@mu-smr/log';
import type { SimWriteEvent } from '@mu-smr/verbs';
import { resolveLink, type LinkFaults } from './link-faults.ts';
import type { FaultKind, FaultPlan } from './fault-plan.ts';
import type { Observer } from './observer.ts';
import type { Random } from './random.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { PlaneName, SimReplica } from './sim-replica.ts';

/** Below the fabric's `retryTimeoutNs`: whoever is cut off longer is lost to its peers. */
const SHORT_LOSS_US = 1400;
const ISOLATION_US = 5000;

/** Does what a plan says, at moments drawn from the seed, and undoes it again. */
export class FaultInjector {
  readonly #cluster: SimCluster;
  readonly #random: Random;
  readonly #observer: Observer;
  readonly #plan: FaultPlan;
  /** When each link lost something last. */
  readonly #lostAt = new Map<string, number>();
  readonly #undo = new Set<() => void>();
  #running = false;

  constructor(cluster: SimCluster, random: Random, observer: Observer, plan: FaultPlan) {
    this.#cluster = cluster;
    this.#random = random;
    this.#observer = observer;
    this.#plan = plan;
  }

  start(): void {
    if (this.#plan.kinds.length === 0) return;
    this.#running = true;
    this.#next();
  }

  /** Ends all faults; who crashed stays dead. */
  stop(): void {
    this.#running = false;
    for (const undo of this.#undo) undo();
    this.#undo.clear();
    for (const replica of this.#cluster.alive) replica.unblock();
  }

  /** Does one thing now: also for scenarios that want it at a certain moment. */
  inject(kind: FaultKind): void {
    const victim = this.#victim(kind);
    if (victim === undefined) return;
    const us = this.#random.between(1, this.#plan.durationUsMax);
    this.#observer.fault(`${kind} ${victim.host} for ${us} µs`);
    this.#do(kind, victim, us);
  }

  /**
   * Some faults wait for a write to be half landed, in a log and not in its header; more often while
   * its leader takes over, because then it overwrites what others have decided.
   */
  wrote(source: SimReplica, event: SimWriteEvent): void {
    if (!this.#running || event.last || event.offset < LOG_HEADER_BYTES) return;
    const kinds = this.#plan.kinds.filter(isMidWrite);
    if (kinds.length === 0 || source.paused) return;
    const { midWriteProbability } = this.#plan;
    const likelier = source.replication.phase === 'takingOver' ? 10 : 1;
    if (!this.#random.chance(midWriteProbability * likelier)) return;
    const kind = this.#random.pick(kinds);
    const us = this.#random.between(1, this.#plan.durationUsMax);
    this.#observer.fault(`${kind} ${source.host} for ${us} µs`);
    if (kind === 'stopMidWrite') this.#pause(source, 'stops', us + 500);
    else this.#cluster.fabric.dropConnection(event.sourceQueuePairNumber);
  }

  #next(): void {
    const { everyUsMax, kinds } = this.#plan;
    this.#cluster.fabric.schedule(this.#random.between(1, everyUsMax) * 1000, () => {
      if (!this.#running) return;
      const kind = this.#random.pick(kinds);
      if (!isMidWrite(kind)) this.inject(kind);
      this.#next();
    });
  }

  #victim(kind: FaultKind): SimReplica | undefined {
    const { alive, replicas, leaders } = this.#cluster;
    if (kind === 'crash') {
      const dead = replicas.length - alive.length;
      if (dead >= Math.floor((replicas.length - 1) / 2)) return undefined;
    }
    if (kind === 'pauseLeader')
      return leaders.length === 0 ? undefined : this.#random.pick(leaders);
    return this.#random.pick(alive);
  }

  #do(kind: FaultKind, victim: SimReplica, us: number): void {
    switch (kind) {
      case 'crash':
        victim.crash();
        return;
      case 'pauseNicContinues':
        this.#pause(victim, 'continues', us);
        return;
      case 'pauseNicStops':
        this.#pause(victim, 'stops', us);
        return;
      case 'pauseLeader':
        this.#pauseLeader(victim, us);
        return;
      case 'blockReplication':
      case 'blockBackground': {
        const plane: PlaneName = kind === 'blockReplication' ? 'replication' : 'background';
        victim.block(plane, us * 1000);
        return;
      }
      default:
        this.#disturb(kind, victim, us);
    }
  }

  #disturb(kind: FaultKind, victim: SimReplica, us: number): void {
    const other = this.#random.pick(this.#cluster.replicas);
    const { fabric } = this.#cluster;
    const { host } = victim;
    if (kind === 'dropLane') {
      const offer = other.replicationAssembly.offer(victim.id);
      const end = this.#random.chance(0.5) ? offer.incoming : offer.outgoing;
      if (!other.crashed) fabric.dropConnection(end.queuePairNumber);
      return;
    }
    if (kind === 'slowLink' || kind === 'lateCompletions') {
      const faults: LinkFaults = resolveLink(kind, us);
      fabric.setLinkFaults(host, other.host, faults.during);
      this.#later(us, () => fabric.setLinkFaults(host, other.host, faults.after));
      return;
    }
    if (other === victim) return;
    const isolates = kind === 'isolate';
    const link = `${host} ${other.host}`;
    // Two losses in a row are one long one: between them nothing need get through.
    const lostAt = this.#lostAt.get(link) ?? -Infinity;
    if (!isolates && this.#cluster.nowUs - lostAt < 3 * SHORT_LOSS_US) return;
    this.#lostAt.set(link, this.#cluster.nowUs);
    const drops =
      kind === 'loseAcknowledgements' || (isolates && this.#random.chance(0.5))
        ? 'acknowledgements'
        : 'requests';
    fabric.partition(host, other.host, drops);
    this.#later(isolates ? ISOLATION_US : Math.min(us, SHORT_LOSS_US), () =>
      fabric.heal(host, other.host),
    );
  }

  #pause(victim: SimReplica, nic: 'continues' | 'stops', us: number): void {
    if (victim.paused) return;
    victim.pause(nic);
    this.#later(us, () => {
      if (!victim.crashed && victim.paused) victim.resume();
    });
  }

  /** The stale leader: stopped in the middle of whatever it does, continued when another leads. */
  #pauseLeader(victim: SimReplica, us: number): void {
    this.#pause(victim, this.#random.chance(0.5) ? 'continues' : 'stops', us + 1000);
  }

  #later(us: number, undo: () => void): void {
    const once = (): void => {
      if (!this.#undo.delete(once)) return;
      undo();
    };
    this.#undo.add(once);
    this.#cluster.fabric.schedule(us * 1000, once);
  }
}

function isMidWrite(kind: FaultKind): boolean {
  return kind === 'stopMidWrite' || kind === 'dropMidWrite';
}
