import type { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, SMALL_RING } from './support/cluster.ts';

/** One round of writes of every type, about `bytes` long; each must be acknowledged. */
async function writeRound(redis: Redis, round: number, bytes: number): Promise<void> {
  const n = round % 50;
  const value = `${round}:`.padEnd(bytes, 'x');
  const replies = await redis
    .pipeline()
    .set(`string:${n}`, value)
    .set(`volatile:${n}`, String(round), 'EX', 1000 + round)
    .incr('counter')
    .hset(`hash:${n}`, `field:${round % 7}`, value.slice(0, 100))
    .lpush(`list:${n}`, value.slice(0, 50))
    .sadd('set', `member:${round}`)
    .zadd('zset', round, `member:${n}`)
    .xadd('stream', '*', 'round', round)
    .spop('set', 1)
    .exec();
  expect(replies?.map(([error]) => error)).toEqual(new Array(9).fill(null));
  expect(replies?.[2]).toEqual([null, round + 1]);
}

describe('a small ring', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  it('goes round more than three times after a follower was killed, and the others stay equal', async () => {
    cluster = await Cluster.start(SMALL_RING);
    const leader = await cluster.leader();
    const redis = leader.connect();
    let round = 0;
    const writeBytes = async (bytes: number): Promise<void> => {
      const { tail } = await leader.status();
      while ((await leader.status()).tail < tail + bytes)
        for (const until = round + 10; round < until; round++) await writeRound(redis, round, 8000);
    };
    await writeBytes(SMALL_RING.capacityBytes / 2);
    const victim = cluster.members.find((one) => one !== leader)!;
    victim.signal('SIGKILL');
    await writeBytes(3.5 * SMALL_RING.capacityBytes);

    expect(await redis.get('counter')).toBe(String(round));
    const alive = cluster.members.filter((one) => one !== victim);
    expect((await leader.status()).confirmedFollowers.toSorted()).toEqual(
      alive.map(({ id }) => id),
    );
    expect((await cluster.commonDigest(alive)).length).toBeGreaterThan(150);
    redis.disconnect();
  });
});
