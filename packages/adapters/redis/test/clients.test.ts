import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from 'redis';
import { ioredis, startSingle, type Single } from './support/redis.js';

describe('unmodified clients', () => {
  let single: Single;
  beforeAll(async () => {
    single = await startSingle();
  });
  afterAll(() => single[Symbol.asyncDispose]());

  it('ioredis', async () => {
    const redis = ioredis(single.port);
    await redis.set('i:key', 'value', 'EX', 100);
    expect(await redis.ttl('i:key')).toBe(100);
    expect(await redis.hset('i:hash', { a: '1', b: '2' })).toBe(2);
    expect(await redis.hgetall('i:hash')).toEqual({ a: '1', b: '2' });
    const results = await redis.multi().incr('i:n').incr('i:n').get('i:n').exec();
    expect(results).toEqual([[null, 1], [null, 2], [null, '2']]); // prettier-ignore
    const piped = await redis.pipeline().lpush('i:l', 'a', 'b').lrange('i:l', 0, -1).exec();
    expect(piped).toEqual([[null, 2], [null, ['b', 'a']]]); // prettier-ignore
    await expect(redis.watch('i:key')).rejects.toThrow('WATCH is not supported by mu-redis');
    await expect(redis.eval('return 1', 0)).rejects.toThrow('EVAL is not supported by mu-redis');
    redis.disconnect();
  });

  for (const RESP of [2, 3] as const) {
    it(`node-redis in RESP${RESP}`, async () => {
      const client = createClient({ url: `redis://127.0.0.1:${single.port}/4`, RESP, name: 'me' });
      client.on('error', () => undefined);
      await client.connect();
      await client.set('n:key', 'value', { expiration: { type: 'PX', value: 100_000 } });
      expect(await client.get('n:key')).toBe('value');
      await client.hSet('n:hash', { a: '1' });
      expect({ ...(await client.hGetAll('n:hash')) }).toEqual({ a: '1' });
      await client.zAdd('n:zset', [{ score: 1.5, value: 'm' }]);
      expect(await client.zScore('n:zset', 'm')).toBe(1.5);
      expect(await client.clientGetName()).toBe('me');
      expect(await client.multi().set('n:t', '1').incr('n:t').exec()).toEqual(['OK', 2]);
      client.destroy();
    });
  }

  it('redis-cli', async () => {
    expect(await output('redis-cli', '-p', String(single.port), 'SET', 'c', '1')).toBe('OK\n');
    expect(await output('redis-cli', '-p', String(single.port), '-3', 'HGETALL', 'none')).toBe(
      '\n',
    );
  });

  it('every default test of redis-benchmark', async () => {
    const lines = await output(
      'redis-benchmark',
      '-p',
      String(single.port),
      '-q',
      '-n',
      '1000',
      '-c',
      '10',
    );
    const finished = lines.match(/^.*requests per second/gm) ?? [];
    expect(lines).not.toMatch(/error/i);
    expect(finished.length).toBe(20);
  });
});

async function output(command: string, ...args: string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString().replaceAll('\r', '\n')));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');
  return text;
}
