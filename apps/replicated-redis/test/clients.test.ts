import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from 'redis';
import { Cluster } from './support/cluster.ts';
import type { Member } from './support/member.ts';

let cluster: Cluster;
/** The leader first. */
let members: readonly Member[];
beforeAll(async () => {
  cluster = await Cluster.start();
  const leader = await cluster.leader();
  members = [leader, ...cluster.members.filter((one) => one !== leader)];
});
afterAll(() => cluster.close());

describe.each([
  ['the leader', 0],
  ['one follower', 1],
  ['the other follower', 2],
])('unmodified clients at %s', (_, place) => {
  let member: Member;
  beforeAll(async () => {
    member = members[place];
    const redis = member.connect();
    await redis.flushall();
    redis.disconnect();
  });

  it('redis-cli', async () => {
    const port = String(member.port);
    expect(await output('redis-cli', '-p', port, 'SET', 'cli', '1')).toBe('OK\n');
    expect(await output('redis-cli', '-p', port, 'INCR', 'cli')).toBe('2\n');
    expect(await output('redis-cli', '-p', port, '-3', 'HSET', 'hash', 'a', '1')).toBe('1\n');
    expect(await output('redis-cli', '-p', port, 'WATCH', 'a')).toContain('WATCH is not supported');
  });

  it('ioredis', async () => {
    const redis = member.connect();
    expect(await redis.set('i:key', 'value', 'EX', 100)).toBe('OK');
    expect(await redis.ttl('i:key')).toBe(100);
    expect(await redis.multi().incr('i:n').incr('i:n').exec()).toEqual([[null, 1], [null, 2]]); // prettier-ignore
    const many = await Promise.all(Array.from({ length: 500 }, () => redis.incr('i:many')));
    expect(many).toEqual(Array.from({ length: 500 }, (_each, n) => n + 1));
    redis.disconnect();
  });

  it.each([2, 3] as const)('node-redis in RESP%i', async (RESP) => {
    const client = createClient({ url: `redis://127.0.0.1:${member.port}/4`, RESP, name: 'me' });
    client.on('error', () => undefined);
    await client.connect();
    await client.set('n:key', 'value', { expiration: { type: 'PX', value: 100_000 } });
    expect(await client.get('n:key')).toBe('value');
    await client.hSet('n:hash', { a: '1', b: '2' });
    expect({ ...(await client.hGetAll('n:hash')) }).toEqual({ a: '1', b: '2' });
    expect(await client.multi().set('n:t', '1').incr('n:t').exec()).toEqual(['OK', 2]);
    client.destroy();
  });
});

describe('redis-benchmark at the leader', () => {
  it('runs every default test', async () => {
    const port = String(members[0].port);
    const lines = await output('redis-benchmark', '-p', port, '-q', '-n', '1000', '-c', '10');
    expect(lines).not.toMatch(/error/i);
    expect(lines.match(/^.*requests per second/gm)).toHaveLength(20);
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
