import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LogGeometry } from '@mu-smr/log';
import { CliError } from '../errors.ts';
import { onParentDeath } from '../group/parent-death.ts';
import { freePorts } from '../group/free-ports.ts';
import { unlessAborted } from '../interruption.ts';
import { makeBenchDirectory, removeBenchDirectory } from './bench-directory.ts';
import type { BenchReport, FromBenchReplica, MeshOffer, ToBenchReplica } from './messages.ts';

interface Waiter {
  readonly kind: FromBenchReplica['kind'];
  readonly resolve: (message: FromBenchReplica) => void;
  readonly reject: (error: Error) => void;
}

const ANSWER_MS = 60_000;

/** One replica process of a benchmark, as its parent sees it. */
export class BenchChild {
  readonly id: number;
  readonly #child: ChildProcess;
  readonly #waiters = new Set<Waiter>();
  #stderr = '';

  constructor(id: number) {
    this.id = id;
    const path = fileURLToPath(new URL('./bench-replica.js', import.meta.url));
    const [command, args] = onParentDeath('KILL', process.execPath, [path]);
    this.#child = fork(path, {
      execPath: command,
      execArgv: args.slice(0, -1),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // A process group of its own: Ctrl-C on the terminal is ours to handle, in order.
      detached: true,
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.#child.on('message', (message: FromBenchReplica) => {
      for (const waiter of this.#waiters)
        if (waiter.kind === message.kind) {
          this.#waiters.delete(waiter);
          waiter.resolve(message);
        }
    });
    // One that was just killed cannot be told anything any more; its exit says so.
    this.#child.on('error', () => undefined);
    this.#child.on('exit', () => {
      for (const waiter of this.#waiters) waiter.reject(this.#ended());
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  send(message: ToBenchReplica): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** 0 sends nothing: see kill(2). */
  signal(signal: NodeJS.Signals | 0): void {
    this.#child.kill(signal);
  }

  /** The next message of that kind; rejects when the process ends or the time passes first. */
  next<K extends FromBenchReplica['kind']>(
    kind: K,
    timeoutMs = ANSWER_MS,
  ): Promise<FromBenchReplica & { kind: K }> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          waiter.reject(new CliError('BENCH_FAILED', `replica ${this.id} sent no ${kind} in time`)),
        timeoutMs,
      );
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        kind,
        resolve: (message) => {
          finish();
          resolve(message as FromBenchReplica & { kind: K });
        },
        reject: (error) => {
          finish();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
      if (!this.alive) waiter.reject(this.#ended());
    });
  }

  #ended(): CliError {
    const why = this.#stderr.trim() || 'killed';
    return new CliError('BENCH_FAILED', `replica ${this.id} ended: ${why}`);
  }

  async end(): Promise<void> {
    if (!this.alive) return;
    const exited = once(this.#child, 'exit');
    this.signal('SIGCONT');
    this.send({ kind: 'close' });
    const timer = setTimeout(() => this.signal('SIGKILL'), 5000);
    await exited;
    clearTimeout(timer);
  }
}

export interface BenchGroupOptions {
  readonly replicas: number;
  readonly fabricRttNs?: number;
  /** RDMA devices instead of shared memory, one for each replica. */
  readonly devices?: readonly string[] | undefined;
  /** Of the log, where it is not the default. */
  readonly geometry?: Partial<LogGeometry>;
  /** Ends the group, and whatever is done with it. */
  readonly signal: AbortSignal;
}

/** A group of bench replicas with raw queue pairs between them. */
export class BenchGroup {
  readonly children: readonly BenchChild[];
  readonly #directory: string;
  #closing: Promise<void> | undefined;

  private constructor(children: readonly BenchChild[], directory: string) {
    this.children = children;
    this.#directory = directory;
  }

  /** Starts a group, works with it, and ends it, however the work ended. */
  static async with<T>(
    options: BenchGroupOptions,
    work: (group: BenchGroup) => Promise<T>,
  ): Promise<T> {
    const { replicas, signal } = options;
    signal.throwIfAborted();
    const directory = makeBenchDirectory();
    const children = Array.from({ length: replicas }, (_, id) => new BenchChild(id));
    const group = new BenchGroup(children, directory);
    try {
      await unlessAborted(group.#connect(options), signal);
      return await unlessAborted(work(group), signal);
    } finally {
      await group.#close();
    }
  }

  async leader(): Promise<BenchChild> {
    return (await this.leading()).child;
  }

  /** The replica that leads, with its report; waits while nobody does. */
  async leading(): Promise<{ child: BenchChild; report: BenchReport }> {
    for (let round = 0; round < 500; round++) {
      const leading = (await this.reports()).find(({ report }) => report.leads);
      if (leading !== undefined) return leading;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new CliError('NO_LEADER', 'no replica of the bench leads');
  }

  /** What every live replica that answers says; a paused one does not. */
  async reports(): Promise<{ child: BenchChild; report: BenchReport }[]> {
    if (this.#closing !== undefined) throw new CliError('BENCH_FAILED', 'the group has ended');
    const answers = await Promise.allSettled(
      this.children
        .filter((child) => child.alive)
        .map(async (child) => {
          const answer = child.next('report', 2000);
          child.send({ kind: 'report' });
          return { child, report: (await answer).report };
        }),
    );
    return answers.filter((answer) => answer.status === 'fulfilled').map((answer) => answer.value);
  }

  /** What a replica noted of its own commands, also after its death. */
  notes(id: number): { readonly acknowledged: number; readonly unknown: readonly number[] } {
    const bytes = readFileSync(this.#notesFile(id));
    const numbers: number[] = [];
    for (let at = 0; at + 4 <= bytes.length; at += 4) numbers.push(bytes.readUInt32LE(at));
    return { acknowledged: numbers[0] ?? 0, unknown: numbers.slice(1) };
  }

  #close(): Promise<void> {
    this.#closing ??= Promise.all(this.children.map((child) => child.end())).then(() => {
      removeBenchDirectory(this.#directory);
    });
    return this.#closing;
  }

  #notesFile(id: number): string {
    return join(this.#directory, `notes-${id}`);
  }

  async #connect({ fabricRttNs = 0, devices, geometry = {} }: BenchGroupOptions): Promise<void> {
    const replicas = this.children.length;
    const ports = devices === undefined ? [] : await freePorts(replicas);
    const rendezvous = ports.map((port) => `127.0.0.1:${port}`);
    const fabric = join(this.#directory, 'fabric');
    const offers: MeshOffer[] = await Promise.all(
      this.children.map(async (child) => {
        const offer = child.next('offer');
        const notesFile = this.#notesFile(child.id);
        child.send({
          kind: 'start',
          id: child.id,
          replicas,
          fabric,
          fabricRttNs,
          geometry,
          ibverbs: devices && { device: devices[child.id], rendezvous },
          notesFile,
        });
        return (await offer).offer;
      }),
    );
    await Promise.all(
      this.children.map((child) => {
        const ready = child.next('ready');
        child.send({ kind: 'mesh', offers });
        return ready;
      }),
    );
  }
}
