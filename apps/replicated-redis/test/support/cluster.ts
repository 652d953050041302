import { deepStrictEqual } from 'node:assert';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { digest } from './digest.ts';
import { Member } from './member.ts';

/** What no healthy machine takes: a wait ends the test there, loudly. */
const PATIENCE_MS = 30_000;

export const SMALL_RING = { capacityBytes: 1 << 20, payloadBytesMax: 64 * 1024, windowBytes: 256 * 1024 }; // prettier-ignore

/** Three replicas of a Redis in processes of their own. */
export class Cluster {
  readonly members: readonly Member[];
  readonly #directory: string;
  readonly #news = new EventEmitter();

  private constructor(directory: string, ports: readonly number[], log: object) {
    this.#directory = directory;
    const config = join(directory, 'cluster.json');
    writeFileSync(
      config,
      JSON.stringify({
        name: 'test',
        fabric: join(directory, 'fabric'),
        secret: 'sixteen characters',
        application: 'redis',
        replicas: ports.map((port, id) => ({ id, client: `127.0.0.1:${port}` })),
        log,
      }),
    );
    this.#news.setMaxListeners(0);
    this.members = ports.map(
      (port, id) => new Member(config, id, port, () => this.#news.emit('news')),
    );
  }

  static async start(log: object = { capacityBytes: 16 << 20 }): Promise<Cluster> {
    const cluster = new Cluster(mkdtempSync('/dev/shm/mu-redis-test-'), await freePorts(3), log);
    try {
      await cluster.until('all are ready', () => cluster.members.every(({ ready }) => ready));
      await cluster.leader();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** The live replica that says it leads, other than `except`; waits until there is one. */
  async leader(except?: Member): Promise<Member> {
    const leading = (): Member | undefined =>
      this.members.find((one) => one !== except && one.alive && one.role === 'leader');
    await this.until('somebody leads', () => leading() !== undefined);
    return leading()!;
  }

  /** Waits for news of the replicas until it holds. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    while (!holds())
      await once(this.#news, 'news', { signal }).catch(() => {
        throw new Error(`in vain: ${what}`);
      });
  }

  /** Waits until these replicas have applied all that is decided, and expects nothing more to come. */
  async settled(members: readonly Member[]): Promise<void> {
    const giveUp = performance.now() + PATIENCE_MS;
    for (;;) {
      const all = await Promise.all(members.map((member) => member.status()));
      const leading = all.find(({ role }) => role === 'leader');
      if (leading !== undefined && all.every(({ applied }) => applied === leading.firstUndecided))
        return;
      if (performance.now() > giveUp) throw new Error(`not settled: ${JSON.stringify(all)}`);
      await delay(10);
    }
  }

  /**
   * All keys of these replicas' own redis-servers, once they have applied everything; rejects when
   * they are not equal. Applied means sent to redis-server, which may be about to take it in.
   */
  async commonDigest(members: readonly Member[]): Promise<string[]> {
    await this.settled(members);
    const giveUp = performance.now() + 2000;
    for (;;) {
      const [first, ...others] = await Promise.all(
        members.map((member) => digest(member.connectToBackend())),
      );
      if (others.every((other) => isDeepStrictEqual(other, first))) return first;
      for (const other of others) if (performance.now() > giveUp) deepStrictEqual(other, first);
      await delay(10);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end('SIGKILL')));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
