import type { ProposeOutcome } from '@mu-smr/consensus';
import { makeCommand } from './command.ts';
import type { ClientCommand, Observer } from './observer.ts';
import type { Random } from './random.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { SimReplica } from './sim-replica.ts';

/** How a workload behaves; drawn per seed. */
export interface WorkloadOptions {
  readonly clients: number;
  /** Longest pause of a client between two requests. */
  readonly thinkUsMax: number;
  /** Commands that a client proposes at a time. */
  readonly burstMax: number;
  readonly readProbability: number;
  readonly syncProbability: number;
  /** Chance that a client goes away before its answer. */
  readonly withdrawProbability: number;
  /** Chance that a command goes to a replica that need not lead. */
  readonly strayProbability: number;
  /** Requests that wait at a time, all clients together. */
  readonly waitingMax: number;
}

/** Clients that propose numbered commands and read; what they see goes to the observer. */
export class Clients {
  decided = 0;
  unknown = 0;
  reads = 0;
  refused = 0;
  readonly #waitingAt = new Map<SimReplica, number>();
  #commands = 0;
  #running = false;
  readonly #cluster: SimCluster;
  readonly #random: Random;
  readonly #observer: Observer;
  #options: WorkloadOptions;
  readonly #mustSee: () => number;

  constructor(
    cluster: SimCluster,
    random: Random,
    observer: Observer,
    options: WorkloadOptions,
    mustSee: () => number,
  ) {
    this.#cluster = cluster;
    this.#random = random;
    this.#observer = observer;
    this.#options = options;
    this.#mustSee = mustSee;
  }

  /** Requests that were neither answered nor lost with their replica. */
  get waiting(): number {
    let waiting = 0;
    for (const [replica, count] of this.#waitingAt) if (!replica.crashed) waiting += count;
    return waiting;
  }

  start(): void {
    this.#running = true;
    for (let client = 0; client < this.#options.clients; client++) this.#think();
  }

  stop(): void {
    this.#running = false;
  }

  /** From now on there is always something to propose. */
  hurry(): void {
    this.#options = { ...this.#options, thinkUsMax: 30, burstMax: 10, readProbability: 0.05 };
  }

  #think(): void {
    this.#cluster.fabric.schedule(this.#random.between(0, this.#options.thinkUsMax * 1000), () => {
      if (!this.#running) return;
      this.#request();
      this.#think();
    });
  }

  #request(): void {
    const replica = this.#choose();
    // A program that stands still asks nothing.
    if (replica === undefined || replica.paused || replica.syncPoll !== undefined) return;
    if (this.waiting >= this.#options.waitingMax) return;
    if (this.#random.chance(this.#options.readProbability)) this.#read(replica);
    else if (this.#random.chance(this.#options.syncProbability)) this.#proposeSync(replica);
    else {
      const burst = this.#random.between(1, this.#options.burstMax);
      for (let n = 0; n < burst; n++) this.#propose(replica);
      replica.wake('replication');
    }
  }

  #choose(): SimReplica | undefined {
    const { alive } = this.#cluster;
    if (this.#random.chance(this.#options.strayProbability)) return this.#random.pick(alive);
    const leaders = alive.filter((replica) => replica.replication.leading);
    return leaders.length === 0 ? undefined : this.#random.pick(leaders);
  }

  #propose(replica: SimReplica): void {
    if (!replica.replication.leading) {
      this.refused++;
      return;
    }
    const { command, bytes } = this.#make(replica);
    let answered = false;
    this.#waits(replica, 1);
    const proposal = {
      command: bytes,
      withdrawn: false,
      posted: false,
      settle: (outcome: ProposeOutcome<number>) => {
        if (!answered) this.#waits(replica, -1);
        answered = true;
        // Whoever went away is not told.
        if (!proposal.withdrawn) this.#answered(command, outcome);
      },
    };
    replica.replication.submit(proposal);
    if (!this.#random.chance(this.#options.withdrawProbability)) return;
    this.#cluster.fabric.schedule(this.#random.between(0, 20_000), () => {
      if (answered) return;
      answered = true;
      this.#waits(replica, -1);
      proposal.withdrawn = true;
      this.#answered(
        command,
        proposal.posted
          ? { kind: 'unknown', reason: 'deadline' }
          : { kind: 'rejected', reason: 'deadline' },
      );
    });
  }

  /** As `Replica.proposeSync`: posts, then polls until the command is applied here. */
  #proposeSync(replica: SimReplica): void {
    const plane = replica.replication;
    if (!plane.leading) return;
    const { command, bytes } = this.#make(replica);
    const at = plane.proposeSync(bytes);
    if (at === undefined) return;
    this.#waits(replica, 1);
    let polls = 0;
    replica.syncPoll = () => {
      plane.poll();
      if (++polls % 64 === 0) plane.step();
      let outcome: ProposeOutcome<number>;
      if (plane.syncDone) outcome = { kind: 'decided', at, result: plane.takeSyncResult() };
      else if (!plane.leading) outcome = { kind: 'unknown', reason: 'lostPermission' };
      else return;
      replica.syncPoll = undefined;
      this.#waits(replica, -1);
      this.#answered(command, outcome);
    };
    replica.wake('replication');
  }

  #read(replica: SimReplica): void {
    if (!replica.replication.leading) return;
    const read = { at: replica, epoch: replica.link.int('epoch'), mustSee: this.#mustSee() };
    this.#waits(replica, 1);
    replica.replication.prove((outcome) => {
      this.#waits(replica, -1);
      if (outcome.kind !== 'current') return;
      this.reads++;
      this.#observer.read(read);
    });
    replica.wake('replication');
  }

  #make(replica: SimReplica): { command: ClientCommand; bytes: Uint8Array } {
    const id = ++this.#commands;
    const max = this.#cluster.options.geometry.payloadBytesMax;
    const bytes = makeCommand(
      id,
      this.#random.chance(0.1) ? max : this.#random.between(8, Math.min(max, 80)),
    );
    const command = { id, at: replica, epoch: replica.link.int('epoch') };
    this.#observer.proposed(command);
    return { command, bytes };
  }

  #waits(replica: SimReplica, by: number): void {
    this.#waitingAt.set(replica, (this.#waitingAt.get(replica) ?? 0) + by);
  }

  #answered(command: ClientCommand, outcome: ProposeOutcome<number>): void {
    if (outcome.kind === 'decided') this.decided++;
    if (outcome.kind === 'unknown') this.unknown++;
    this.#observer.answered(command, outcome);
  }
}
