import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CliError } from '../errors.ts';
import { onParentDeath } from './parent-death.ts';
import { identityOf, processState, type ProcessIdentity, type ProcessState } from './processes.ts';

/** What a replica's process tells its supervisor. */
export interface ReplicaMessage {
  readonly kind: 'ready';
}

export interface ReplicaProcessOptions {
  readonly application: 'redis' | 'kv';
  readonly id: number;
  readonly client: string;
  /** The group's cluster.json. */
  readonly config: string;
  /** File for what the replica prints. */
  readonly log: string;
  /** Where it serves its metrics; default: nowhere. */
  readonly metricsPort?: number | undefined;
  /** Runs the command line of `mu run`; default: `mu` itself. */
  readonly program?: string | undefined;
}

/** How long a replica gets to end by itself. */
const GRACE_MS = 5000;

/** `mu run` as a child of this process. Emits `exit` when it is gone, however that came. */
export class ReplicaProcess extends EventEmitter<{ exit: [] }> {
  readonly id: number;
  readonly client: string;
  readonly identity: ProcessIdentity;
  readonly #child: ChildProcess;
  readonly #log: string;
  #gone = false;

  constructor(options: ReplicaProcessOptions) {
    super();
    const { application, id, client, config, log, metricsPort } = options;
    const { program = fileURLToPath(new URL('../bin/mu.js', import.meta.url)) } = options;
    this.id = id;
    this.client = client;
    this.#log = log;
    const args = [program, 'run', application, '--config', config, '--id', String(id)];
    if (metricsPort !== undefined) args.push('--metrics-port', String(metricsPort));
    // A paused replica is continued when we die, sees that we are gone, and ends as the others do.
    const [command, all] = onParentDeath('CONT', process.execPath, args);
    const output = openSync(log, 'a', 0o600);
    // A process group of its own: Ctrl-C on the terminal is ours to handle, in order.
    this.#child = spawn(command, all, { stdio: ['ignore', output, output, 'ipc'], detached: true });
    closeSync(output);
    const { pid = 0 } = this.#child;
    this.identity = identityOf(pid) ?? { pid, startTime: '' };
    for (const event of ['exit', 'error'] as const)
      this.#child.on(event, () => {
        if (this.#gone) return;
        this.#gone = true;
        this.emit('exit');
      });
  }

  get pid(): number {
    return this.identity.pid;
  }

  get state(): ProcessState {
    return this.#gone ? 'dead' : processState(this.identity);
  }

  /** The end of what it printed. */
  get lastWords(): string {
    const lines = readFileSync(this.#log, 'utf8').trimEnd().split('\n');
    return lines.slice(-3).join(' | ') || 'it ended without a word';
  }

  /** Resolves when it serves clients; rejects with its own message when it does not come to that. */
  async ready(signal: AbortSignal): Promise<void> {
    const ended = new Promise<false>((resolve) => this.once('exit', () => resolve(false)));
    const told = once(this.#child, 'message', { signal });
    if (this.#gone || !(await Promise.race([told, ended])))
      throw new CliError(
        'START_FAILED',
        `replica ${this.id} did not start: ${this.lastWords.replace(/^mu: /, '')}`,
      );
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Tells the replica's program something over their channel, if that is still there. */
  tell(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** Ends it, also while it is paused: asked first, killed when that does not help. */
  async end(): Promise<void> {
    if (this.#gone) return;
    const exited = once(this, 'exit');
    this.kill('SIGCONT');
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), GRACE_MS);
    await exited;
    clearTimeout(timer);
  }
}
