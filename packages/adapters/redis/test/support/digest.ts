import type { RedisBackend } from '../../src/index.js';
import { decodeReply } from '../../src/backend/command-reply.js';

/** All keys of a backend with type, value and deadline, in an order of their own. */
export async function digest({ connection, databaseCount }: RedisBackend): Promise<string[]> {
  const lines: string[] = [];
  const ask = async (db: number, ...args: string[]) => {
    await connection.ask('SELECT', db);
    return decodeReply(await connection.ask(...args));
  };
  for (let db = 0; db < databaseCount; db++) {
    for (const key of (await ask(db, 'KEYS', '*')) as string[]) {
      const type = (await ask(db, 'TYPE', key)) as string;
      const value = await ask(db, ...READ[type](key));
      const sorted = type === 'set' ? (value as string[]).sort() : value;
      lines.push(JSON.stringify([db, key, type, sorted, await ask(db, 'PEXPIRETIME', key)]));
    }
  }
  await connection.ask('SELECT', 0);
  return lines.sort();
}

const READ: Record<string, (key: string) => string[]> = {
  string: (key) => ['GET', key],
  list: (key) => ['LRANGE', key, '0', '-1'],
  set: (key) => ['SMEMBERS', key],
  zset: (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
  hash: (key) => ['HGETALL', key],
  stream: (key) => ['XRANGE', key, '-', '+'],
};
