import {
  BackgroundAssembly,
  BackgroundPlane,
  Configuration,
  Double,
  PlaneLink,
  ReplicationAssembly,
  ReplicationPlane,
} from '@mu-smr/consensus/planes';
import type { GroupNonce } from '@mu-smr/log';
import { Device, type Backend, type SimFabric } from '@mu-smr/verbs';
import type { ClusterOptions } from './cluster-options.ts';
import { ObservedControl } from './observed-control.ts';
import type { Observer } from './observer.ts';
import type { Random } from './random.ts';
import { SimMachine, type SimResult } from './sim-machine.ts';

export const GROUP_NONCE: GroupNonce = [0x6d75_736d, 0x7472_6565];

/** Ends the step of a replica that dies in the middle of it; nothing of the replica runs afterwards. */
class DiedHere extends Error {}

/** The two planes of a replica, as the scheduler and the faults name them. */
export type PlaneName = 'replication' | 'background';

/**
 * One replica of the cluster: the production planes over a simulated host, stepped in virtual time at
 * moments drawn from the seed.
 */
export class SimReplica {
  readonly id: number;
  readonly host: string;
  /** Of all lives in this cluster; the first is 1. */
  readonly incarnation: number;
  readonly link = new PlaneLink();
  readonly machine: SimMachine;
  readonly replicationAssembly: ReplicationAssembly;
  readonly backgroundAssembly: BackgroundAssembly;
  replication!: ReplicationPlane<SimResult>;
  background!: BackgroundPlane;
  crashed = false;
  /** The whole process stands still. */
  paused = false;
  /** Set while a caller spins in `proposeSync`: then the plane is polled and not stepped. */
  syncPoll: (() => void) | undefined;
  readonly #fabric: SimFabric;
  readonly #backend: Backend;
  readonly #options: ClusterOptions;
  readonly #random: Random;
  readonly #observer: Observer;
  readonly #blockedUntil = { replication: 0, background: 0 };
  /** When each plane is to be stepped next; a step that was scheduled later is then out of date. */
  readonly #due = { replication: Infinity, background: Infinity };

  constructor(
    id: number,
    incarnation: number,
    fabric: SimFabric,
    options: ClusterOptions,
    random: Random,
    observer: Observer,
  ) {
    this.id = id;
    this.incarnation = incarnation;
    this.host = `r${id}`;
    this.#fabric = fabric;
    this.#options = options;
    this.#random = random;
    this.#observer = observer;
    this.#backend = fabric.backend(this.host);
    const context = new Device(this.#backend, this.#backend.listDevices()[0]).open();
    this.replicationAssembly = new ReplicationAssembly(context, options.replicas, options.geometry);
    this.backgroundAssembly = new BackgroundAssembly(context, options.replicas);
    this.machine = new SimMachine(options.sessions, (command, index, hash, at) =>
      observer.applied(this, command, index, hash, at),
    );
  }

  get log(): Uint8Array {
    return this.replicationAssembly.memory.log.bytes;
  }

  /** The incarnation of a replica that we are connected with; 0 = none. */
  connectedTo(id: number): number {
    return this.link.offset(Double.connected, id);
  }

  /** Ids of those that we are connected with, our own among them. */
  get peers(): number[] {
    return this.replicationAssembly.lanes.flatMap((lane) => (lane === undefined ? [] : [lane.to]));
  }

  get nowUs(): number {
    return this.#fabric.now / 1000;
  }

  /** Numbers of the queue pairs at which this replica's log is written, by writer. */
  incomingNumbers(): number[] {
    return Array.from(
      { length: this.#options.replicas },
      (_, peer) => this.replicationAssembly.offer(peer).incoming.queuePairNumber,
    );
  }

  /** Whether the background plane has lost its connection to one of these for good. */
  lostPeers(living: readonly SimReplica[]): boolean {
    return this.backgroundAssembly.peers.some(
      ({ id, queuePair }) =>
        queuePair.control.state !== 'readyToSend' && living.some((peer) => peer.id === id),
    );
  }

  /** Makes the planes, and founds the group with these replicas, this one among them. */
  start(replicas: readonly SimReplica[]): void {
    this.#makeReplication();
    this.#makeBackground();
    for (const peer of replicas) this.connect(peer);
    const incarnations = replicas.map((replica) => replica.incarnation);
    this.replication.beginning.found(Configuration.initial(incarnations));
    this.#scheduleIn('background', this.#random.between(0, 50_000));
    this.#scheduleIn('replication', this.#random.between(0, 50_000));
  }

  /** Connects our ends with a replica, which may be this one. */
  connect(peer: SimReplica): void {
    const { id } = peer;
    const assembly = this.replicationAssembly;
    assembly.connect(id, peer.replicationAssembly.offer(this.id));
    const incoming = new ObservedControl(this.#backend, assembly.incoming(id), (change) =>
      this.#observer.permissionChanged(this, id, change),
    );
    const background =
      peer === this
        ? undefined
        : this.backgroundAssembly.connect(id, peer.backgroundAssembly.offer(this.id));
    const connection = { id, incoming, outgoing: assembly.outgoing(id), peer: background };
    this.background.connect(connection, this.nowUs);
    this.replication.membership.connected(id, peer.incarnation);
  }

  /** Makes the planes of a life that joins a group. */
  startAlone(): void {
    this.#makeReplication();
    this.#makeBackground();
    this.connect(this);
    this.#scheduleIn('background', this.#random.between(0, 50_000));
    this.#scheduleIn('replication', this.#random.between(0, 50_000));
  }

  /** Takes away all that a replica had of us, so that another life of it can be connected. */
  disconnect(id: number): void {
    this.replication.disconnected(id);
    this.backgroundAssembly.disconnect(id);
    this.background.disconnect(id, this.nowUs);
    this.replicationAssembly.disconnect(id);
  }

  /** Has a plane step soon. */
  wake(plane: PlaneName): void {
    this.#scheduleIn(plane, this.#random.between(500, 5000));
  }

  /** Keeps one plane from running for a while: a blocked event loop, a starved thread. */
  block(plane: PlaneName, ns: number): void {
    this.#blockedUntil[plane] = Math.max(this.#blockedUntil[plane], this.#fabric.now + ns);
  }

  unblock(): void {
    this.#blockedUntil.replication = 0;
    this.#blockedUntil.background = 0;
    this.wake('replication');
    this.wake('background');
  }

  pause(nic: 'continues' | 'stops'): void {
    this.paused = true;
    this.#fabric.pause(this.host, { nic });
  }

  resume(): void {
    this.paused = false;
    this.#fabric.resume(this.host);
    this.wake('replication');
    this.wake('background');
  }

  crash(): void {
    this.crashed = true;
    this.#fabric.crash(this.host);
  }

  /** Does some of this replica's work; false when it died of that. */
  survives(work: () => void): boolean {
    try {
      work();
    } catch (error) {
      if (!(error instanceof DiedHere)) throw error;
    }
    return !this.crashed;
  }

  /** Crashes within a step of this replica's own planes: ends that step where it stands. */
  dieHere(): never {
    this.crash();
    throw new DiedHere(`${this.host} crashes here`);
  }

  #makeReplication(): void {
    const { geometry, tuning, replicas: slots } = this.#options;
    const assembly = this.replicationAssembly;
    this.replication = new ReplicationPlane<SimResult>({
      self: this.id,
      slots,
      incarnation: this.incarnation,
      link: this.link,
      lanes: assembly.lanes,
      memory: assembly.memory,
      sendRing: assembly.sendRing,
      completionQueue: assembly.completionQueue,
      geometry,
      nonce: GROUP_NONCE,
      tuning,
      nowUs: () => this.nowUs,
      apply: (command, context) => this.machine.apply(command, context),
      stateMachine: this.machine,
      wakeBackground: () => this.wake('background'),
      events: {
        leading: () => this.#observer.leading(this),
        ended: (reason) => this.#observer.ended(this, reason),
        diverged: (divergence) => this.#observer.diverged(this, divergence),
      },
    });
  }

  #makeBackground(): void {
    const { geometry, tuning, replicas: slots } = this.#options;
    const assembly = this.backgroundAssembly;
    this.background = new BackgroundPlane({
      self: this.id,
      slots,
      link: this.link,
      scratch: assembly.scratch,
      log: this.log,
      sendRing: assembly.sendRing,
      completionQueue: assembly.completionQueue,
      geometry,
      nonce: GROUP_NONCE,
      tuning,
      nowUs: () => this.nowUs,
      wakeReplication: () => this.wake('replication'),
      raiseReplication: () => undefined,
    });
  }

  #scheduleIn(plane: PlaneName, delayNs: number): void {
    const at = this.#fabric.now + delayNs;
    if (at >= this.#due[plane]) return;
    this.#due[plane] = at;
    this.#fabric.schedule(delayNs, () => {
      if (this.crashed || this.#due[plane] !== at) return;
      this.#due[plane] = Infinity;
      this.#run(plane);
    });
  }

  #run(plane: PlaneName): void {
    if (this.paused) return;
    const left = this.#blockedUntil[plane] - this.#fabric.now;
    if (left > 0) {
      this.#scheduleIn(plane, left);
      return;
    }
    this.survives(() => {
      if (plane === 'background') this.#stepBackground();
      else this.#stepReplication();
      this.#observer.stepped(this, plane);
    });
  }

  #stepBackground(): void {
    this.background.step(this.nowUs);
    const tickNs = this.#options.tuning.tickUs * 1000;
    this.#scheduleIn('background', this.#random.between(tickNs, tickNs * 1.5));
  }

  #stepReplication(): void {
    if (this.syncPoll !== undefined) {
      this.syncPoll();
      this.#scheduleIn('replication', this.#random.between(300, 1500));
      return;
    }
    this.replication.step();
    // A busy plane polls; an idle one is woken, and by its event loop now and then.
    const busy = this.replication.busy;
    this.#scheduleIn(
      'replication',
      busy ? this.#random.between(500, 4000) : this.#random.between(100_000, 600_000),
    );
  }
}
