import { encodeSessionRequest, PLAIN_HEADER_BYTES, type ProposeOutcome } from '@mu-smr/consensus';
import { Int } from '@mu-smr/consensus/planes';
import { COMMAND_BYTES_MIN, EMPTY_COMMAND, makeCommand } from './command.ts';
import type { ClientCommand, Observer } from './observer.ts';
import type { Random } from './random.ts';
import { SessionClient } from './session-clients.ts';
import type { SimCluster } from './sim-cluster.ts';
import { commandOf, outcomeOf, type SimResult } from './sim-machine.ts';
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
  /** Chance that a command has no bytes at all. */
  readonly emptyProbability: number;
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
  readonly #clients: readonly Random[];
  readonly #sessions: readonly SessionClient[];
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
    this.#clients = Array.from({ length: options.clients }, (_, n) => random.fork(`client ${n}`));
    this.#observer = observer;
    this.#options = options;
    this.#mustSee = mustSee;
    this.#sessions = this.#makeSessions(random);
  }

  /** Requests that were neither answered nor lost with their replica. */
  get waiting(): number {
    let waiting = 0;
    for (const [replica, count] of this.#waitingAt) if (!replica.crashed) waiting += count;
    return waiting;
  }

  start(): void {
    this.#running = true;
    for (const client of this.#clients) this.#think(client);
    for (const client of this.#sessions) client.start();
  }

  stop(): void {
    this.#running = false;
    for (const client of this.#sessions) client.stop();
  }

  /** From now on there is always something to propose. */
  hurry(): void {
    this.#options = { ...this.#options, thinkUsMax: 30, burstMax: 10, readProbability: 0.05 };
  }

  #think(random: Random): void {
    this.#cluster.fabric.schedule(random.between(0, this.#options.thinkUsMax * 1000), () => {
      if (!this.#running) return;
      this.#request(random);
      this.#think(random);
    });
  }

  #request(random: Random): void {
    const replica = this.#choose(random);
    // A program that stands still asks nothing.
    if (replica === undefined || replica.paused || replica.syncPoll !== undefined) return;
    if (this.waiting >= this.#options.waitingMax) return;
    if (random.chance(this.#options.readProbability)) this.#read(replica);
    else if (random.chance(this.#options.syncProbability)) this.#proposeSync(replica, random);
    else {
      const burst = random.between(1, this.#options.burstMax);
      for (let n = 0; n < burst; n++) this.#propose(replica, random);
      replica.wake('replication');
    }
  }

  #choose(random: Random): SimReplica | undefined {
    const { alive } = this.#cluster;
    if (random.chance(this.#options.strayProbability)) return random.pick(alive);
    const leaders = alive.filter((replica) => replica.replication.leading);
    return leaders.length === 0 ? undefined : random.pick(leaders);
  }

  #propose(replica: SimReplica, random: Random): void {
    if (!replica.replication.leading) {
      this.refused++;
      return;
    }
    const { command, bytes } = this.#make(replica, random);
    let answered = false;
    this.#waits(replica, 1);
    const proposal = {
      command: bytes,
      withdrawn: false,
      posted: false,
      settle: (outcome: ProposeOutcome<SimResult>) => {
        if (!answered) this.#waits(replica, -1);
        answered = true;
        // Whoever went away is not told.
        if (!proposal.withdrawn) this.#answered(command, outcomeOf(outcome));
      },
    };
    replica.replication.submit(proposal);
    if (!random.chance(this.#options.withdrawProbability)) return;
    this.#cluster.fabric.schedule(random.between(0, 20_000), () => {
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
  #proposeSync(replica: SimReplica, random: Random): void {
    const plane = replica.replication;
    if (!plane.leading) return;
    const { command, bytes } = this.#make(replica, random);
    let posted = false;
    // Writes that are over at once are applied in this call, and the replica may die of that.
    if (!replica.survives(() => void (posted = plane.proposeSync(bytes))) || !posted) return;
    const { at } = plane.sync;
    this.#waits(replica, 1);
    let polls = 0;
    replica.syncPoll = () => {
      plane.poll();
      if (++polls % 64 === 0) plane.step();
      let outcome: ProposeOutcome<number>;
      if (plane.sync.done)
        outcome = { kind: 'decided', at, result: commandOf(plane.sync.takeResult()) };
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
    const read = { at: replica, epoch: replica.link.int(Int.epoch), mustSee: this.#mustSee() };
    this.#waits(replica, 1);
    replica.replication.prove((outcome) => {
      this.#waits(replica, -1);
      if (outcome.kind !== 'current') return;
      this.reads++;
      this.#observer.read(read);
    });
    replica.wake('replication');
  }

  #make(replica: SimReplica, random: Random): { command: ClientCommand; bytes: Uint8Array } {
    const empty = random.chance(this.#options.emptyProbability);
    const id = empty ? EMPTY_COMMAND : ++this.#commands;
    const { sessions, geometry } = this.#cluster.options;
    const max = geometry.payloadBytesMax - (sessions === undefined ? 0 : PLAIN_HEADER_BYTES);
    const length = random.chance(0.1) ? max : random.between(COMMAND_BYTES_MIN, Math.min(max, 80));
    const own = makeCommand(id, empty ? 0 : length);
    const bytes =
      sessions === undefined ? own : encodeSessionRequest({ kind: 'plain', command: own });
    const command = { id, at: replica, epoch: replica.link.int(Int.epoch) };
    this.#observer.proposed(command);
    return { command, bytes };
  }

  /** Where the replicas have sessions, some clients use them. */
  #makeSessions(random: Random): SessionClient[] {
    const { sessions } = this.#cluster.options;
    if (sessions === undefined) return [];
    const parts = {
      cluster: this.#cluster,
      observer: this.#observer,
      repliesPerSession: sessions.repliesPerSession,
      thinkNsMax: () => this.#options.thinkUsMax * 1000,
      nextCommand: () => ++this.#commands,
      waits: (replica: SimReplica, by: number) => this.#waits(replica, by),
      answered: (command: ClientCommand, outcome: ProposeOutcome<number>) =>
        this.#answered(command, outcome),
    };
    return [1, 2, 3].map((n) => new SessionClient(parts, random.fork(`session client ${n}`)));
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
