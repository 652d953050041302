import type { Backend } from '../../backend.ts';
import { EventQueue } from './event-queue.ts';
import { Random } from './random.ts';
import { SimBackend, type SimBackendFabric } from './sim-backend.ts';
import {
  LinkTable,
  resolveFaults,
  type PartitionDrops,
  type SimFaultOptions,
  type SimFaults,
} from './sim-faults.ts';
import { SimHost, type SimRegion } from './sim-host.ts';
import { SimNic, type SimWriteEvent } from './sim-nic.ts';
import type { SimQueuePair } from './sim-queue-pair.ts';

/** How a simulated network is made. */
export interface SimFabricOptions {
  /** 32 bits: the whole run follows from it. */
  readonly seed: number;
  /** Default `'none'`. */
  readonly faults?: SimFaultOptions;
  /** Packet size: between two packets a write can always be torn. Default 1024. */
  readonly mtuBytes?: number;
  /**
   * Whether `SendRing.writeNow` carries writes out before it returns, as on `shm`. Default false. What is
   * posted otherwise takes its time all the same.
   */
  readonly immediate?: boolean;
}

/** How a host is paused. */
export interface SimPauseOptions {
  /**
   * What becomes of work posted before the pause. `'continues'` (default): a NIC goes on without its
   * CPU. `'stops'`: the posting thread makes the copy, as on `shm`, so the bytes stop between any two
   * and go on after `resume`.
   */
  readonly nic?: 'continues' | 'stops';
}

/**
 * A network of simulated hosts in virtual time: same seed, same calls, same run.
 *
 * Nothing happens by itself. Verbs return at once; `step` and `runUntil` let bytes land and
 * completions appear.
 */
export class SimFabric {
  readonly #events = new EventQueue();
  readonly #random: Random;
  readonly #links: LinkTable;
  readonly #hosts = new Map<string, SimHost>();
  readonly #byAddress = new Map<string, SimHost>();
  readonly #backends = new Map<SimHost, SimBackend>();
  readonly #queuePairs = new Map<number, SimQueuePair>();
  readonly #regions = new Map<number, SimRegion>();
  readonly #wakeObservers = new Set<(host: string) => void>();
  readonly #wires: SimBackendFabric;

  constructor(options: SimFabricOptions) {
    this.#random = new Random(options.seed);
    this.#links = new LinkTable(resolveFaults(options.faults ?? 'none'));
    const mtuBytes = options.mtuBytes ?? 1024;
    if (!Number.isInteger(mtuBytes) || mtuBytes < 1) throw new RangeError(`an MTU of ${mtuBytes}`);
    this.#wires = this.#wire(mtuBytes, options.immediate ?? false);
  }

  /** Virtual time in nanoseconds since the fabric was made. */
  get now(): number {
    return this.#wires.now;
  }

  /** How many events wait; 0 means that nothing more happens by itself. */
  get pending(): number {
    return this.#events.length;
  }

  /** The verbs of a host, which starts with the first call. Its only device has the host's name. */
  backend(host: string): Backend {
    return this.#backendOf(this.#hosts.get(host) ?? this.#start(host, 0));
  }

  /** Runs `action` after a virtual delay, among the events of the network. */
  schedule(delayNs: number, action: () => void): void {
    if (!(delayNs >= 0)) throw new RangeError(`a delay of ${delayNs} ns`);
    this.#events.push(this.now + delayNs, runAction, action, 0);
  }

  /** Lets the next event happen; false when there is none. */
  step(): boolean {
    if (this.#events.length === 0) return false;
    this.#wires.now = this.#events.nextTimeNs;
    return this.#events.runNext();
  }

  /** Lets everything happen that is due until `timeNs`, and ends at that time. */
  runUntil(timeNs: number): void {
    while (this.#events.nextTimeNs <= timeNs) this.step();
    if (timeNs > this.now) this.#wires.now = timeNs;
  }

  /** Memory and queue pairs are gone; peers get no answer any more. `restart` brings it back empty. */
  crash(host: string): void {
    const dead = this.#host(host);
    dead.state = 'crashed';
    for (const queuePair of dead.queuePairs.values()) {
      queuePair.forget();
      this.#queuePairs.delete(queuePair.number);
    }
    for (const region of dead.regions.values()) this.#regions.delete(region.remoteKey);
  }

  /** Starts a crashed host again: new backend, no memory, and no peer knows it. */
  restart(host: string): Backend {
    const dead = this.#host(host);
    if (dead.state !== 'crashed') throw new RangeError(`${host} has not crashed`);
    const incarnation = Number(dead.address.slice(host.length + 1)) + 1;
    return this.#backendOf(this.#start(host, incarnation));
  }

  /** Stops a host's CPU. What peers do to its memory goes on; the caller must not run its program. */
  pause(host: string, options: SimPauseOptions = {}): void {
    const paused = this.#host(host);
    if (paused.state === 'crashed') throw new RangeError(`${host} has crashed`);
    paused.state = 'paused';
    paused.nicStopped = options.nic === 'stops';
  }

  /** Lets a paused host go on where it stood. */
  resume(host: string): void {
    const paused = this.#host(host);
    if (paused.state !== 'paused') throw new RangeError(`${host} is not paused`);
    paused.state = 'running';
    paused.nicStopped = false;
    this.#wires.nic.resume(paused);
  }

  /** Whether the host runs, is paused, or has crashed. */
  hostState(host: string): 'running' | 'paused' | 'crashed' {
    return this.#host(host).state;
  }

  /**
   * Loses what `from` sends to `to` (one way): operations that `from` posts end in `retryExceeded`
   * unless `heal` comes first. With `'acknowledgements'` they take effect and still end so.
   */
  partition(from: string, to: string, drops: PartitionDrops = 'requests'): void {
    const link = this.#links.between(from, to);
    link.losesRequests = drops !== 'acknowledgements';
    link.losesAcknowledgements = drops !== 'requests';
  }

  /** Ends what `partition` began. */
  heal(from: string, to: string): void {
    const link = this.#links.between(from, to);
    link.losesRequests = false;
    link.losesAcknowledgements = false;
  }

  /** Changes delays and faults of operations that `from` posts to `to`, from now on. */
  setLinkFaults(from: string, to: string, faults: Partial<SimFaults>): void {
    const link = this.#links.between(from, to);
    link.faults = resolveFaults(faults, link.faults);
  }

  /** Puts one queue pair into ERR, as a NIC does on a fault of its own; its peer is not told. */
  dropConnection(queuePairNumber: number): void {
    const queuePair = this.#queuePairs.get(queuePairNumber);
    if (queuePair === undefined) throw new RangeError(`no queue pair ${queuePairNumber}`);
    queuePair.fail();
  }

  /** Calls `observer` whenever remote operations have changed bytes; returns how to end that. */
  onWrite(observer: (event: SimWriteEvent) => void): () => void {
    this.#wires.writeObservers.add(observer);
    return () => this.#wires.writeObservers.delete(observer);
  }

  /** Calls `observer` whenever a peer rings a host's doorbell; returns how to end that. */
  onWake(observer: (host: string) => void): () => void {
    this.#wakeObservers.add(observer);
    return () => this.#wakeObservers.delete(observer);
  }

  /** The registered bytes behind a remote key, for checkers; undefined once they are gone. */
  memory(remoteKey: number): Uint8Array<ArrayBuffer> | undefined {
    return this.#regions.get(remoteKey)?.bytes;
  }

  #host(name: string): SimHost {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new RangeError(`no host ${name} in this fabric`);
    return host;
  }

  #start(name: string, incarnation: number): SimHost {
    const host = new SimHost(name, incarnation);
    this.#hosts.set(name, host);
    this.#byAddress.set(host.address, host);
    return host;
  }

  #backendOf(host: SimHost): SimBackend {
    let backend = this.#backends.get(host);
    if (backend === undefined) {
      backend = new SimBackend(this.#wires, host);
      this.#backends.set(host, backend);
    }
    return backend;
  }

  #wire(mtuBytes: number, immediate: boolean): SimBackendFabric {
    let remoteKeys = 0;
    let queuePairNumbers = 0x10;
    const wires = {
      now: 0,
      mtuBytes,
      immediate,
      events: this.#events,
      random: this.#random,
      links: this.#links,
      queuePairs: this.#queuePairs,
      regions: this.#regions,
      writeObservers: new Set<(event: SimWriteEvent) => void>(),
      ring: (host: SimHost, queuePair: SimQueuePair): void => {
        queuePair.domain.context.rung = true;
        for (const observer of this.#wakeObservers) observer(host.name);
      },
      hostAt: (address: string) => this.#byAddress.get(address),
      // Keys have a salt in the low byte as on hardware: a guessed or stale one must not match.
      nextRemoteKey: () => ++remoteKeys * 256 + this.#random.below(256),
      nextQueuePairNumber: () => ++queuePairNumbers,
    };
    const fabric: SimBackendFabric = Object.assign(wires, { nic: new SimNic(wires) });
    return fabric;
  }
}

function runAction(action: () => void): void {
  action();
}
