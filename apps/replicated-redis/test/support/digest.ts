import type { Redis } from 'ioredis';

/** Every key with its type, value and deadline, in an order of their own. Closes the connection. */
export async function digest(redis: Redis): Promise<string[]> {
  const keys = (await redis.keys('*')).sort();
  const lines = await Promise.all(
    keys.map(async (key) => {
      const type = await redis.type(key);
      const value = await VALUE[type](redis, key);
      return JSON.stringify([key, type, value, await redis.pexpiretime(key)]);
    }),
  );
  redis.disconnect();
  return lines;
}

const VALUE: Record<string, (redis: Redis, key: string) => Promise<unknown>> = {
  string: (redis, key) => redis.get(key),
  list: (redis, key) => redis.lrange(key, 0, -1),
  // Their order is each server's own.
  set: async (redis, key) => (await redis.smembers(key)).sort(),
  hash: async (redis, key) => Object.entries(await redis.hgetall(key)).sort(),
  zset: (redis, key) => redis.zrange(key, '0', '-1', 'WITHSCORES'),
  stream: (redis, key) => redis.xrange(key, '-', '+'),
};
