import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultFabric } from '@mu-smr/verbs';
import { CliError } from '../errors.ts';
import { unlessAborted } from '../interruption.ts';
import { freePorts, portsFrom } from './free-ports.ts';
import { claimGroup, removeGroup, writeGroup, type GroupFile } from './group-file.ts';
import { groupsDirectory, inOwnDirectory } from './own-directory.ts';
import { identityOf, type ProcessState } from './processes.ts';
import { ReplicaProcess } from './replica-process.ts';

export interface LocalGroupOptions {
  readonly name: string;
  readonly application: 'redis' | 'kv';
  readonly replicas: number;
  /** For how many more there is room, should some be added; default: none. */
  readonly spares?: number | undefined;
  /** First client port; default: ports that are free. */
  readonly port?: number | undefined;
  /** Port of replica 0 for its metrics; those of the others follow. Default: none. */
  readonly metricsPort?: number | undefined;
  readonly logCapacityBytes?: number | undefined;
  /** What each replica runs instead of `mu`, with the same command line. */
  readonly program?: string | undefined;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

/** A replica that is, or was, started again, and how long it was waited. */
interface Restart {
  readonly pauseMs: number;
  readonly timer: NodeJS.Timeout;
}

/** Longer than a replica waits for its peers: what it says then is worth more than our silence. */
const START_TIMEOUT_MS = 40_000;

/** How soon a replica is started again, and how slowly one that ends again and again. */
const RESTART_MS = 200;
const RESTART_MS_MAX = 10_000;
/** Who ran for so long did not end because of its start. */
const SETTLED_MS = 10_000;

/**
 * A group of replicas on this machine: one child process each, ended with this one.
 *
 * Emits `exit` with a replica's id when its process is gone without having been asked to go, `restarted`
 * when another serves clients in its place, and `changed` with a sentence when one was added or dropped.
 */
export class LocalGroup extends EventEmitter<{
  exit: [id: number];
  restarted: [id: number];
  changed: [note: string];
}> {
  readonly name: string;
  readonly fabric: string;
  /** Whether a replica is started again whose process ended without having been asked to. */
  restarts = false;
  readonly #options: LocalGroupOptions;
  readonly #directory: string;
  readonly #members = new Map<number, ReplicaProcess>();
  /** Those whose end is expected: nobody starts them again. */
  readonly #retired = new Set<number>();
  readonly #restarts = new Map<number, Restart>();
  #ports: readonly number[] = [];
  #closing: Promise<void> | undefined;

  private constructor(options: LocalGroupOptions) {
    super();
    this.#options = options;
    this.name = options.name;
    this.fabric = join(defaultFabric(), `${options.name}-${process.pid}`);
    this.#directory = join(groupsDirectory(), `${options.name}-${process.pid}`);
  }

  /** Starts the replicas; rejects, with everything ended, when one does not come up or it is aborted. */
  static async start(options: LocalGroupOptions): Promise<LocalGroup> {
    if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$/.test(options.name))
      throw new CliError(
        'USAGE',
        `--group must be letters, digits, dots and dashes, at most 32, not "${options.name}"`,
        2,
      );
    const group = new LocalGroup(options);
    claimGroup(group.file);
    try {
      await group.#start();
    } catch (error) {
      await group.close();
      throw error;
    }
    return group;
  }

  /** Replicas by id with their client addresses. */
  get members(): readonly { readonly id: number; readonly client: string; readonly pid: number }[] {
    return this.#byId.map(({ id, client, pid }) => ({ id, client, pid }));
  }

  /** Ids of the replicas that could be added. */
  get places(): readonly number[] {
    return [...this.#ports.keys()].filter((id) => !this.#members.has(id));
  }

  state(id: number): ProcessState {
    return this.#member(id).state;
  }

  signal(id: number, signal: NodeJS.Signals): void {
    this.#member(id).kill(signal);
  }

  /**
   * Starts a replica whose process is gone: a new life of it, which is given the others' state. Resolves
   * when it serves clients; it becomes a voting member soon after.
   */
  async restart(id: number): Promise<void> {
    if (this.#member(id).state !== 'dead')
      throw new CliError('REPLICA_RUNS', `replica ${id} of ${this.name} runs already`, 2);
    await this.#launch(id);
    this.emit('restarted', id);
  }

  /**
   * Starts a replica at a place that is free; resolves when it serves clients. It stays retired until
   * `keep` is called: who adds it decides whether it stays.
   */
  async add(id: number): Promise<void> {
    if (!this.places.includes(id))
      throw new CliError('NO_ROOM', `group ${this.name} has no free place ${id}`);
    this.#retired.add(id);
    await this.#launch(id);
  }

  /** From now on this replica may end: it is not started again. */
  retire(id: number): void {
    this.#retired.add(id);
    clearTimeout(this.#restarts.get(id)?.timer);
  }

  /** The opposite of `retire`: should it have ended meanwhile, it is started again. */
  keep(id: number): void {
    this.#retired.delete(id);
    if (this.#members.get(id)?.state === 'dead') this.#ended(id, 0);
    this.emit('changed', `replica ${id} belongs to the group`);
  }

  /** Ends a replica's process, if it has not ended yet, and keeps it as dead. */
  async end(id: number): Promise<void> {
    this.retire(id);
    await this.#members.get(id)?.end();
  }

  /** Ends a replica and forgets it: its place is free. */
  async drop(id: number): Promise<void> {
    await this.end(id);
    this.#members.delete(id);
    this.#restarts.delete(id);
    this.#retired.delete(id);
    if (this.#closing === undefined) writeGroup(this.file);
    this.emit('changed', `replica ${id} has left the group`);
  }

  /** Tells a replica's program something; `mu` itself does not listen. */
  tell(id: number, message: object): void {
    this.#member(id).tell(message);
  }

  /** The end of what a replica printed. */
  lastWords(id: number): string {
    return this.#member(id).lastWords;
  }

  /** Ends every replica, paused ones too, and removes what they used. */
  close(): Promise<void> {
    for (const { timer } of this.#restarts.values()) clearTimeout(timer);
    this.#closing ??= Promise.all(this.#byId.map((member) => member.end())).then(() =>
      removeGroup(this.file),
    );
    return this.#closing;
  }

  async #start(): Promise<void> {
    const { replicas, spares = 0, port, signal } = this.#options;
    const places = replicas + spares;
    const ports = await (port === undefined ? freePorts(places) : portsFrom(port, places));
    signal.throwIfAborted();
    inOwnDirectory(defaultFabric(), () => mkdirSync(this.fabric, { mode: 0o700 }));
    mkdirSync(this.#directory, { mode: 0o700 });
    const configuration = JSON.stringify(this.#configuration(ports), null, 2);
    writeFileSync(join(this.#directory, 'cluster.json'), configuration, { mode: 0o600 });
    this.#ports = ports;
    for (let id = 0; id < replicas; id++) this.#members.set(id, this.#spawn(id));
    writeGroup(this.file);
    const timeout = AbortSignal.timeout(START_TIMEOUT_MS);
    const ready = Promise.all(this.#byId.map((member) => member.ready(timeout)));
    await unlessAborted(ready, signal).catch((error: Error) => {
      if (!timeout.aborted || error instanceof CliError) throw error;
      throw new CliError('START_FAILED', 'the replicas did not come up in time');
    });
  }

  async #launch(id: number): Promise<void> {
    if (this.#closing !== undefined) throw new CliError('INTERRUPTED', 'the group is being ended');
    const member = this.#spawn(id);
    this.#members.set(id, member);
    writeGroup(this.file);
    await member.ready(AbortSignal.timeout(START_TIMEOUT_MS));
  }

  #spawn(id: number): ReplicaProcess {
    const { application, program, metricsPort: first } = this.#options;
    const metricsPort = first === undefined ? undefined : first + id;
    const client = `127.0.0.1:${this.#ports[id]}`;
    const config = join(this.#directory, 'cluster.json');
    const log = join(this.#directory, `replica-${id}.log`);
    const options = { application, id, client, config, log, program, metricsPort };
    const member = new ReplicaProcess(options);
    const startedAt = performance.now();
    member.once('exit', () => this.#ended(id, performance.now() - startedAt));
    return member;
  }

  #ended(id: number, ranMs: number): void {
    if (this.#retired.has(id)) return;
    this.emit('exit', id);
    if (this.restarts && this.#closing === undefined) this.#restartSoon(id, ranMs);
  }

  /** One that ends again right after its start is given more and more time. */
  #restartSoon(id: number, ranMs: number): void {
    const before = this.#restarts.get(id)?.pauseMs ?? 0;
    const pauseMs = ranMs > SETTLED_MS ? RESTART_MS : Math.max(RESTART_MS, 2 * before);
    const timer = setTimeout(
      () => void this.restart(id).catch(() => undefined),
      Math.min(pauseMs, RESTART_MS_MAX),
    );
    this.#restarts.set(id, { pauseMs: Math.min(pauseMs, RESTART_MS_MAX), timer });
  }

  #configuration(ports: readonly number[]): object {
    return {
      name: this.name,
      fabric: this.fabric,
      secret: randomBytes(32).toString('hex'),
      application: this.#options.application,
      founders: this.#options.replicas,
      replicas: ports.map((clientPort, id) => ({ id, client: `127.0.0.1:${clientPort}` })),
      log: { capacityBytes: this.#options.logCapacityBytes ?? 16 * 1024 * 1024 },
    };
  }

  /** What is written down of it. */
  get file(): GroupFile {
    return {
      name: this.name,
      application: this.#options.application,
      fabric: this.fabric,
      directory: this.#directory,
      supervisor: identityOf(process.pid) ?? { pid: process.pid, startTime: '' },
      replicas: this.#byId.map(({ id, client, identity }) => ({
        id,
        client,
        process: identity,
      })),
    };
  }

  get #byId(): ReplicaProcess[] {
    return [...this.#members.values()].sort((a, b) => a.id - b.id);
  }

  #member(id: number): ReplicaProcess {
    const member = this.#members.get(id);
    if (member === undefined)
      throw new CliError('NO_REPLICA', `there is no replica ${id} in ${this.name}`, 2);
    return member;
  }
}
