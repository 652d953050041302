import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { ReplicaStatus } from '@mu-smr/consensus';
import { Redis } from 'ioredis';

export type MemberMessage =
  | { readonly kind: 'role'; readonly role: ReplicaStatus['role'] }
  | { readonly kind: 'ready'; readonly socketPath: string; readonly password: string }
  | { readonly kind: 'status'; readonly status: ReplicaStatus };

const PROGRAM = new URL('./replica-process.mjs', import.meta.url).pathname;

/** One replica's process. */
export class Member {
  readonly id: number;
  readonly port: number;
  role: ReplicaStatus['role'] = 'follower';
  readonly #child: ChildProcess;
  #backend: { readonly path: string; readonly password: string } | undefined;

  constructor(config: string, id: number, port: number, changed: () => void) {
    this.id = id;
    this.port = port;
    this.#child = fork(PROGRAM, [config, String(id)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    // A request to one that was just killed fails; its exit tells.
    this.#child.on('error', () => undefined);
    this.#child.on('exit', changed);
    this.#child.on('message', (message: MemberMessage) => {
      if (message.kind === 'role') this.role = message.role;
      if (message.kind === 'ready') this.#backend = { path: message.socketPath, password: message.password }; // prettier-ignore
      changed();
    });
  }

  get ready(): boolean {
    return this.#backend !== undefined;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Stops it; resolves when each of its threads stands still, which nobody is told. */
  async stop(): Promise<void> {
    this.signal('SIGSTOP');
    const tasks = `/proc/${this.#child.pid}/task`;
    const stopped = (id: string): boolean =>
      readFileSync(`${tasks}/${id}/stat`, 'utf8').split(') ').at(-1)!.startsWith('T');
    while (!readdirSync(tasks).every(stopped)) await setImmediate();
  }

  async status(): Promise<ReplicaStatus> {
    this.#child.send({ kind: 'status' }, () => undefined);
    for (;;) {
      const [message] = (await once(this.#child, 'message')) as [MemberMessage];
      if (message.kind === 'status') return message.status;
    }
  }

  /** Its own redis-server, past the adapter. */
  connectToBackend(): Redis {
    return new Redis({ ...this.#backend, retryStrategy: () => null });
  }

  /** An unmodified client of this replica; errors are the caller's to see. */
  connect(): Redis {
    const redis = new Redis(this.port, '127.0.0.1', {
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    });
    redis.on('error', () => undefined);
    return redis;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.alive) return;
    const exited = once(this.#child, 'exit');
    this.signal('SIGCONT');
    this.signal(signal);
    await exited;
  }
}
