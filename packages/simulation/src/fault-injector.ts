import { ArmedFaults, isArmed } from './armed-faults.ts';
import type { Checker } from './checkers.ts';
import type { ScheduledFault, TimedKind } from './fault-plan.ts';
import { resolveLink, type LinkFaults } from './link-faults.ts';
import type { Observer } from './observer.ts';
import { Random } from './random.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { PlaneName, SimReplica } from './sim-replica.ts';

/** Below the fabric's `retryTimeoutNs`: whoever is cut off longer is lost to its peers. */
const SHORT_LOSS_US = 1400;
const ISOLATION_US = 5000;

/** Does what a schedule says, at the moments it names, and undoes it again. */
export class FaultInjector {
  readonly #cluster: SimCluster;
  readonly #observer: Observer;
  readonly #schedule: readonly ScheduledFault[];
  readonly #armed: ArmedFaults;
  /** When each link lost something last. */
  readonly #lostAt = new Map<string, number>();
  readonly #undo = new Set<() => void>();
  readonly #slow = new Map<SimReplica, number>();
  #running = false;

  constructor(cluster: SimCluster, observer: Observer, schedule: readonly ScheduledFault[]) {
    this.#cluster = cluster;
    this.#observer = observer;
    this.#schedule = schedule;
    this.#armed = new ArmedFaults({
      pause: (replica, us) => this.#pause(replica, 'stops', us),
      hide: (replica) => {
        for (const from of cluster.alive)
          if (from !== replica) this.#lose(from, replica, 'requests', SHORT_LOSS_US);
      },
      mayCrash: (victim) => cluster.canLose(victim),
      dropConnection: (queuePair) => cluster.fabric.dropConnection(queuePair),
      schedule: (delayNs, action) => cluster.fabric.schedule(delayNs, action),
      fault: (text) => observer.fault(text),
    });
  }

  /** To be the last of the observers: a fault may end the step that it is told of. */
  readonly observer: Checker = {
    wrote: (target, source, event) => this.#armed.observer.wrote(target, source, event),
    permissionChanged: (replica) => this.#armed.observer.permissionChanged(replica),
    leading: (replica) => this.#armed.observer.leading(replica),
    applied: (replica) => {
      const slowUs = this.#slow.get(replica);
      if (slowUs !== undefined) replica.block('replication', slowUs * 1000);
      this.#armed.observer.applied(replica);
    },
  };

  start(): void {
    this.#running = true;
    for (const fault of this.#schedule)
      this.#cluster.fabric.schedule(fault.atUs * 1000, () => {
        if (this.#running) this.#inject(fault);
      });
  }

  /** Ends all faults; who crashed stays dead. */
  stop(): void {
    this.#running = false;
    this.#armed.disarm();
    for (const undo of this.#undo) undo();
    this.#undo.clear();
    for (const replica of this.#cluster.alive) replica.unblock();
  }

  #inject({ kind, us, seed }: ScheduledFault): void {
    const random = new Random(seed);
    if (isArmed(kind)) {
      this.#armed.arm(kind, us, random);
      return;
    }
    const victim = this.#victim(kind, random);
    if (victim === undefined) return;
    this.#observer.fault(`${kind} ${victim.host} for ${us} µs`);
    this.#do(kind, victim, us, random);
  }

  #victim(kind: TimedKind, random: Random): SimReplica | undefined {
    const { alive, leaders, replicas } = this.#cluster;
    if (kind === 'crash')
      return pickOne(
        alive.filter((one) => this.#cluster.canLose(one)),
        random,
      );
    if (kind === 'restart')
      return pickOne(
        replicas.filter((one) => one.crashed),
        random,
      );
    if (kind === 'pauseLeader' || kind === 'duel') return pickOne(leaders, random);
    return random.pick(alive);
  }

  #do(kind: TimedKind, victim: SimReplica, us: number, random: Random): void {
    switch (kind) {
      case 'crash':
        victim.crash();
        return;
      case 'restart':
        this.#cluster.restart(victim.id);
        return;
      case 'remove':
        this.#remove(victim);
        return;
      case 'pauseNicContinues':
        this.#pause(victim, 'continues', us);
        return;
      case 'pauseNicStops':
        this.#pause(victim, 'stops', us);
        return;
      case 'pauseLeader':
        this.#pauseLeader(victim, us, random);
        return;
      case 'blockReplication':
      case 'blockBackground': {
        const plane: PlaneName = kind === 'blockReplication' ? 'replication' : 'background';
        victim.block(plane, us * 1000);
        return;
      }
      case 'transfer':
        this.#cluster.transfer(victim, (outcome) =>
          this.#observer.fault(`leadership is to go to ${victim.host}: ${outcome}`),
        );
        return;
      case 'flap':
        this.#flap(victim, us, random);
        return;
      case 'duel':
        this.#duel(victim, us, random);
        return;
      case 'slowApply':
        this.#slow.set(victim, random.between(1, 60));
        this.#later(us * 3, () => this.#slow.delete(victim));
        return;
      default:
        this.#disturb(kind, victim, us, random);
    }
  }

  /** Has the leader remove a member that the group can do without. */
  #remove(victim: SimReplica): void {
    const [leader] = this.#cluster.leaders;
    if (leader === undefined || leader === victim || !this.#cluster.canLose(victim)) return;
    this.#cluster.remove(victim, ({ kind }) =>
      this.#observer.fault(`${victim.host} is to be removed: ${kind}`),
    );
  }

  #disturb(kind: TimedKind, victim: SimReplica, us: number, random: Random): void {
    const other = random.pick(this.#cluster.replicas);
    const { fabric } = this.#cluster;
    const { host } = victim;
    if (kind === 'dropLane') {
      const incoming = random.chance(0.5);
      if (other.crashed || other.connectedTo(victim.id) === 0) return;
      const offer = other.replicationAssembly.offer(victim.id);
      fabric.dropConnection((incoming ? offer.incoming : offer.outgoing).queuePairNumber);
      return;
    }
    if (kind === 'slowLink' || kind === 'lateCompletions') {
      const faults: LinkFaults = resolveLink(kind, us);
      fabric.setLinkFaults(host, other.host, faults.during);
      this.#later(us, () => fabric.setLinkFaults(host, other.host, faults.after));
      return;
    }
    if (other === victim) return;
    if (kind !== 'isolate') {
      this.#lose(victim, other, kind === 'loseRequests' ? 'requests' : 'acknowledgements', us);
      return;
    }
    fabric.partition(host, other.host, random.chance(0.5) ? 'acknowledgements' : 'requests');
    this.#later(ISOLATION_US, () => fabric.heal(host, other.host));
  }

  /** One way only, and shorter than a connection lives without an answer. */
  #lose(
    from: SimReplica,
    to: SimReplica,
    drops: 'requests' | 'acknowledgements',
    us: number,
  ): void {
    const { fabric } = this.#cluster;
    const link = `${from.host} ${to.host}`;
    // Two losses in a row are one long one: between them nothing need get through.
    const lostAt = this.#lostAt.get(link) ?? -Infinity;
    if (this.#cluster.nowUs - lostAt < 3 * SHORT_LOSS_US) return;
    this.#lostAt.set(link, this.#cluster.nowUs);
    fabric.partition(from.host, to.host, drops);
    this.#later(Math.min(us, SHORT_LOSS_US), () => fabric.heal(from.host, to.host));
  }

  /** A heartbeat that oscillates about the thresholds: some ticks without, some with. */
  #flap(victim: SimReplica, us: number, random: Random): void {
    const untilUs = this.#cluster.nowUs + us * 3;
    const again = (): void => {
      if (!this.#running || victim.crashed || this.#cluster.nowUs > untilUs) return;
      victim.block('background', random.between(200, 1200) * 1000);
      this.#cluster.fabric.schedule(random.between(600, 2000) * 1000, again);
    };
    again();
  }

  /** Two candidates at once: the leader stands still, and the others do not see each other. */
  #duel(leader: SimReplica, us: number, random: Random): void {
    this.#pauseLeader(leader, us, random);
    const others = this.#cluster.alive.filter((replica) => replica !== leader);
    for (const from of others)
      for (const to of others) if (from !== to) this.#lose(from, to, 'requests', us);
  }

  #pause(victim: SimReplica, nic: 'continues' | 'stops', us: number): void {
    if (victim.paused || victim.crashed) return;
    victim.pause(nic);
    this.#later(us, () => {
      if (!victim.crashed && victim.paused) victim.resume();
    });
  }

  /** The stale leader: stopped in the middle of whatever it does, continued when another leads. */
  #pauseLeader(victim: SimReplica, us: number, random: Random): void {
    this.#pause(victim, random.chance(0.5) ? 'continues' : 'stops', us + 1000);
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

function pickOne(replicas: readonly SimReplica[], random: Random): SimReplica | undefined {
  return replicas.length === 0 ? undefined : random.pick(replicas);
}
