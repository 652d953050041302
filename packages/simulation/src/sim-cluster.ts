import { CompletionEntry, SimFabric, isPermissionError, type SimFaultOptions } from '@mu-smr/verbs';
import type { ClusterOptions } from './cluster-options.ts';
import type { Observer } from './observer.ts';
import type { Random } from './random.ts';
import { SimReplica } from './sim-replica.ts';

/** A whole cluster in virtual time: hosts, replicas, and who watches them. */
export class SimCluster {
  readonly fabric: SimFabric;
  readonly replicas: readonly SimReplica[];
  readonly options: ClusterOptions;
  /** Events so far. */
  steps = 0;

  constructor(
    options: ClusterOptions,
    random: Random,
    observer: Observer,
    faults: SimFaultOptions,
  ) {
    this.options = options;
    this.fabric = new SimFabric({ seed: options.seed, faults, mtuBytes: options.mtuBytes });
    this.replicas = Array.from(
      { length: options.replicas },
      (_, id) => new SimReplica(id, this.fabric, options, random, observer),
    );
    for (const replica of this.replicas) replica.start(this.replicas);
    this.#watchWrites(observer);
    this.#watchCompletions(observer);
    this.fabric.onWake((host) => {
      const woken = this.replicas.find((replica) => replica.host === host);
      if (woken !== undefined && !woken.crashed) woken.wake('background');
    });
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

  #watchWrites(observer: Observer): void {
    const byLogKey = new Map(
      this.replicas.map((replica) => [replica.replicationAssembly.memory.log.remoteKey, replica]),
    );
    const byHost = new Map(this.replicas.map((replica) => [replica.host, replica]));
    this.fabric.onWrite((event) => {
      const target = byLogKey.get(event.remoteKey);
      const source = byHost.get(event.from);
      if (target !== undefined && source !== undefined) observer.wrote(target, source, event);
    });
  }

  /** Looks at what the replication plane is about to consume. */
  #watchCompletions(observer: Observer): void {
    for (const replica of this.replicas) {
      const queue = replica.replicationAssembly.completionQueue;
      const consume = queue.consume.bind(queue);
      queue.consume = (count) => {
        for (let n = 0; n < count; n++) {
          const status = queue.word(n, CompletionEntry.status);
          if (!isPermissionError(status)) continue;
          const tag = queue.word(n, CompletionEntry.workRequestIdHigh);
          observer.completedBadly(replica, tag >>> 8, status);
        }
        consume(count);
      };
    }
  }
}
