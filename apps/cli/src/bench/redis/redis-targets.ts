import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { CliError } from '../../errors.ts';
import { askControl, controlPath } from '../../group/control.ts';
import { freePorts } from '../../group/free-ports.ts';
import { LocalGroup } from '../../group/local-group.ts';
import { makeBenchDirectory, removeBenchDirectory } from '../bench-directory.ts';
import { ServerProcess } from './server-process.ts';

export type TargetName = 'bare' | 'proxied' | 'replicated' | 'redisWait';

/** Polls of something that takes a while to come true, 20 ms apart. */
const POLLS_MAX = 1000;

/** The servers that `mu bench redis` compares, all running at the same time. */
export class RedisTargets {
  readonly #servers: ServerProcess[] = [];
  readonly #directory = makeBenchDirectory();
  #group: LocalGroup | undefined;
  #starting: Promise<unknown> = Promise.resolve();
  #closing = false;

  /** Starts everything; returns the port of each target. What was started is ended by `close`. */
  start(signal: AbortSignal): Promise<Record<TargetName, number>> {
    const starting = this.#start(signal);
    this.#starting = starting.catch(() => undefined);
    return starting;
  }

  /** Throws unless every process that was started still runs. */
  check(): void {
    const states = this.#group?.members.map(({ id }) => this.#group?.state(id)) ?? [];
    if (this.#servers.every((server) => server.alive) && states.every((one) => one === 'running'))
      return;
    throw new CliError('BENCH_FAILED', 'a server ended in the middle of the run');
  }

  /** Also in the middle of the start: nothing begins any more, and what runs is ended. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#servers.map((server) => server.end()));
    await this.#starting;
    await this.#group?.close();
    removeBenchDirectory(this.#directory);
  }

  async #start(signal: AbortSignal): Promise<Record<TargetName, number>> {
    const [bare, primary, ...replicas] = await freePorts(4);
    signal.throwIfAborted();
    await Promise.all([bare, primary].map((port) => this.#redis(port)));
    await Promise.all(
      replicas.map((port) => this.#redis(port, '--replicaof', '127.0.0.1', String(primary))),
    );
    const path = fileURLToPath(new URL('./proxied-redis.js', import.meta.url));
    const proxy = this.#add('the proxy', process.execPath, [
      path,
      join(this.#directory, 'proxied'),
    ]);
    const [, proxied] = await proxy.ready(/ready at port (\d+)/);
    const name = `bench-${process.pid}`;
    this.#group = await LocalGroup.start({ name, application: 'redis', replicas: 3, signal });
    await replicasOnline(primary, replicas.length, signal);
    const replicated = await this.#leaderPort(signal);
    return { bare, proxied: Number(proxied), replicated, redisWait: primary };
  }

  #add(name: string, command: string, args: readonly string[]): ServerProcess {
    if (this.#closing)
      throw new CliError('BENCH_FAILED', `${name} was not started: the end came first`);
    const server = new ServerProcess(name, command, args);
    this.#servers.push(server);
    return server;
  }

  /** An ordinary redis-server that keeps nothing on disk, as the adapter's does. */
  async #redis(port: number, ...more: readonly string[]): Promise<void> {
    const dir = join(this.#directory, `redis-${port}`);
    mkdirSync(dir, { mode: 0o700 });
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', ''];
    const sync = ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0'];
    const server = this.#add('redis-server', 'redis-server', [...args, ...sync, ...more]);
    await server.ready(/ready to accept connections/i);
  }

  async #leaderPort(signal: AbortSignal): Promise<number> {
    const group = this.#group!;
    for (let poll = 0; poll < POLLS_MAX; poll++) {
      signal.throwIfAborted();
      for (const { id, client } of group.members) {
        const answer = await askControl(controlPath(group.fabric, id));
        if (answer?.status.role === 'leader' && answer.status.confirmedFollowers.length === 3)
          return Number(client.split(':')[1]);
      }
      await delay(20);
    }
    throw new CliError('NO_LEADER', 'no replica of the bench leads');
  }
}

async function replicasOnline(port: number, count: number, signal: AbortSignal): Promise<void> {
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    for (let poll = 0; poll < POLLS_MAX; poll++) {
      signal.throwIfAborted();
      const online = (await redis.info('replication')).match(/state=online/g) ?? [];
      if (online.length === count) return;
      await delay(20);
    }
  } finally {
    redis.disconnect();
  }
  throw new CliError('BENCH_FAILED', 'the replicas of redis-server did not come online');
}

/** How many keys a target holds. */
export async function keyCount(port: number): Promise<number> {
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    return await redis.dbsize();
  } finally {
    redis.disconnect();
  }
}
