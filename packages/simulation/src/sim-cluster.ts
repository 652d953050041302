import { CompletionEntry, SimFabric, isPermissionError, type SimFaultOptions } from '@mu-smr/verbs';
import type { RemovalOutcome } from '@mu-smr/consensus';
import type { ClusterOptions } from './cluster-options.ts';
import { canLose } from './fault-budget.ts';
import type { Observer } from './observer.ts';
import type { Random } from './random.ts';
import { SimReplica } from './sim-replica.ts';
import { SimTransfer } from './sim-transfer.ts';

/** How often a replica is looked at that may need the state of another. */
const WATCH_NS = 300_000;

/** A whole cluster in virtual time: hosts, replicas, and who watches them. */
export class SimCluster {
  readonly fabric: SimFabric;
  readonly options: ClusterOptions;
  /** By id: the life that each has now. */
  readonly replicas: SimReplica[];
  /** Events so far. */
  steps = 0;
  readonly #random: Random;
  readonly #observer: Observer;
  readonly #byLogKey = new Map<number, SimReplica>();
  readonly #transfers = new Map<SimReplica, SimTransfer>();
  /** States are transferred. */
  #watches = false;
  /** Whose removal was asked for: nobody can tell when it takes effect, or whether. */
  readonly #leaving = new Set<SimReplica>();
  #lives = 0;

  constructor(
    options: ClusterOptions,
    random: Random,
    observer: Observer,
    faults: SimFaultOptions,
  ) {
    this.options = options;
    this.#random = random;
    this.#observer = observer;
    const { seed, mtuBytes, immediate } = options;
    this.fabric = new SimFabric({ seed, faults, mtuBytes, immediate });
    this.replicas = Array.from({ length: options.replicas }, (_, id) => this.#life(id));
    for (const replica of this.replicas) replica.start(this.replicas);
    this.#watchWrites();
    this.fabric.onWake((host) => {
      const woken = this.replicas.find((replica) => replica.host === host);
      if (woken !== undefined && !woken.crashed) woken.wake('background');
    });
    if (options.transfersState) this.transferStates();
  }

  /** Whether the group can bear the loss of a replica. */
  canLose(victim: SimReplica): boolean {
    return canLose(victim, this.replicas, this.#leaving);
  }

  /** Has the leader remove a member. */
  remove(victim: SimReplica, settled: (outcome: RemovalOutcome) => void): void {
    const [leader] = this.leaders;
    if (leader === undefined) return;
    this.#leaving.add(victim);
    leader.replication.reconfiguration.remove(victim.id, (outcome) => {
      if (outcome.kind === 'rejected') this.#leaving.delete(victim);
      settled(outcome);
    });
    leader.wake('replication');
  }

  /** Starts a replica that crashed: another life, without memory, that joins the group. */
  restart(id: number): void {
    this.fabric.restart(this.replicas[id].host);
    const life = this.#life(id);
    this.replicas[id] = life;
    life.startAlone();
    const transfer = new SimTransfer(this, life, this.#random);
    this.#transfers.set(life, transfer);
    transfer.meet();
    transfer.begin();
  }

  /** Has the leader give its place to another. */
  transfer(successor: SimReplica, settled: (outcome: string) => void): void {
    const [leader] = this.leaders;
    if (leader === undefined) return;
    leader.replication.handOver.ask(successor.id, ({ kind }) => settled(kind));
    leader.wake('replication');
  }

  get nowUs(): number {
    return this.fabric.now / 1000;
  }

  /** Those that run, or will again. */
  get alive(): SimReplica[] {
    return this.replicas.filter((replica) => !replica.crashed);
  }

  /** The replicas that lead by their own word. */
  get leaders(): SimReplica[] {
    return this.alive.filter((replica) => replica.replication.leading);
  }

  /** Lets everything happen until a virtual time, or until `done`. */
  runUntil(timeUs: number, done: () => boolean = () => false): void {
    const untilNs = timeUs * 1000;
    while (this.fabric.now < untilNs) {
      if (!this.fabric.step()) throw new Error('nothing is left to happen');
      this.steps++;
      if (done()) return;
    }
  }

  #life(id: number): SimReplica {
    const life = new SimReplica(
      id,
      ++this.#lives,
      this.fabric,
      this.options,
      this.#random,
      this.#observer,
    );
    this.#byLogKey.set(life.replicationAssembly.memory.log.remoteKey, life);
    this.#watchCompletions(life);
    return life;
  }

  #watchWrites(): void {
    this.fabric.onWrite((event) => {
      const target = this.#byLogKey.get(event.remoteKey);
      const source = this.replicas.find((replica) => replica.host === event.from);
      if (target !== undefined && source !== undefined) this.#observer.wrote(target, source, event);
    });
  }

  /** From now on whoever was removed stops, and whoever is behind every ring is brought back. */
  transferStates(): void {
    if (this.#watches) return;
    this.#watches = true;
    this.#watchLogs();
  }

  /** As `Replica` does: whoever was removed stops, whoever is behind every ring gets the state of another. */
  #watchLogs(): void {
    for (const replica of this.alive) {
      if (replica.replication.membership.removed) {
        replica.crash();
        continue;
      }
      if (!replica.link.isBehind) continue;
      const transfer = this.#transfers.get(replica) ?? new SimTransfer(this, replica, this.#random);
      this.#transfers.set(replica, transfer);
      transfer.begin();
    }
    this.fabric.schedule(WATCH_NS, () => this.#watchLogs());
  }

  /** Looks at what the replication plane is about to consume. */
  #watchCompletions(replica: SimReplica): void {
    const queue = replica.replicationAssembly.completionQueue;
    const consume = queue.consume.bind(queue);
    queue.consume = (count) => {
      for (let n = 0; n < count; n++) {
        const status = queue.word(n, CompletionEntry.status);
        if (!isPermissionError(status)) continue;
        const tag = queue.word(n, CompletionEntry.workRequestIdHigh);
        this.#observer.completedBadly(replica, tag >>> 8, status);
      }
      consume(count);
    };
  }
}
