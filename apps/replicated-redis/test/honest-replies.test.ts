import { afterEach, describe, expect, it } from 'vitest';
import type { Redis } from 'ioredis';
import { Cluster } from './support/cluster.ts';
import type { Member } from './support/member.ts';

const WRITERS = 9;
const WRITES_AFTER = 100;
/** Replies that say: certainly not done. */
const NOT_DONE = /^(READONLY|CLUSTERDOWN|TRYAGAIN)/;

/** Writes keys of its own one after the other, and believes what it is told. */
class Writer {
  readonly acknowledged = new Map<string, string>();
  readonly refused: string[] = [];
  readonly #id: number;
  #serial = 0;

  constructor(id: number) {
    this.#id = id;
  }

  /** Writes until `enough`, connecting anew wherever a connection fails. */
  async write(nextMember: () => Member, enough: () => boolean): Promise<void> {
    while (!enough()) {
      const redis = nextMember().connect();
      try {
        while (!enough() && (await this.#writeOne(redis)));
      } finally {
        redis.disconnect();
      }
    }
  }

  /** False when the connection is of no more use. */
  async #writeOne(redis: Redis): Promise<boolean> {
    const key = `writer:${this.#id}:${this.#serial++}`;
    const value = `value of ${key}`;
    try {
      expect(await redis.set(key, value)).toBe('OK');
      this.acknowledged.set(key, value);
      return true;
    } catch (error) {
      if (NOT_DONE.test((error as Error).message)) this.refused.push(key);
      return false;
    }
  }
}

describe('a leader that is killed in the middle of many clients’ writes', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  it('has told nobody OK in vain, nor "not done" of what was', async () => {
    cluster = await Cluster.start();
    const old = await cluster.leader();
    const writers = Array.from({ length: WRITERS }, (_, id) => new Writer(id));
    const count = (): number =>
      writers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);

    let target = Infinity;
    let turn = 0;
    const nextMember = (): Member => {
      const alive = cluster.members.filter((one) => one.alive);
      return alive[turn++ % alive.length];
    };
    const writing = writers.map((writer) => writer.write(nextMember, () => count() >= target));
    await expect.poll(count, { timeout: 20_000, interval: 5 }).toBeGreaterThan(WRITERS * 20);
    old.signal('SIGKILL');
    const leader = await cluster.leader(old);
    target = count() + WRITERS * WRITES_AFTER;
    await Promise.all(writing);

    const redis = leader.connect();
    for (const { acknowledged, refused } of writers) {
      expect(await redis.mget([...acknowledged.keys()])).toEqual([...acknowledged.values()]);
      if (refused.length > 0) expect(await redis.exists(refused)).toBe(0);
    }
    redis.disconnect();
    const digest = await cluster.commonDigest(cluster.members.filter((one) => one !== old));
    expect(digest.length).toBeGreaterThanOrEqual(target);
  });
});
