import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RedisBackend, RedisFrontEnd, RedisStateMachine } from '../src/index.js';
import { digest } from './support/digest.js';
import { ManualClock } from './support/manual-clock.js';
import { MirroringProposer, startFollower } from './support/mirror.js';
import { RawClient } from './support/raw-client.js';

describe('expiry by the clock of the log', () => {
  let clock: ManualClock;
  let leader: RedisStateMachine;
  let follower: RedisStateMachine;
  let frontEnd: RedisFrontEnd;
  let client: RawClient;

  beforeEach(async () => {
    clock = new ManualClock();
    leader = new RedisStateMachine(await RedisBackend.start());
    follower = await startFollower();
    const replica = new MirroringProposer(leader, follower);
    frontEnd = await RedisFrontEnd.listen({ replica, stateMachine: leader, clock });
    client = new RawClient(frontEnd.port);
  });
  afterEach(async () => {
    client.close();
    await frontEnd.close();
    await leader.backend.close();
    await follower.backend.close();
  });

  it('hides a key from the millisecond of its deadline on', async () => {
    await client.ask('SET k v PX 100');
    clock.advance(99);
    expect(await client.ask('PTTL k')).toBe(':1\r\n');
    expect(await client.ask('GET k')).toBe('$1\r\nv\r\n');
    clock.advance(1);
    expect(await client.ask('GET k')).toBe('$-1\r\n');
    expect(await client.ask('PTTL k')).toBe(':-2\r\n');
  });

  it('counts from the clock of the entry, not of the machine', async () => {
    await client.ask('SET k v EX 10');
    expect(await client.ask('PEXPIRETIME k')).toBe(`:${clock.now() + 10_000}\r\n`);
    expect(await client.ask('TTL k')).toBe(':10\r\n');
  });

  it('ends a key for a write that comes after its deadline, on every replica', async () => {
    // The classic divergence: a counter with a time to live, incremented around its deadline.
    await client.ask('SET n 1 PX 100');
    clock.advance(100);
    expect(await client.ask('INCR n')).toBe(':1\r\n');
    expect(await client.ask('TTL n')).toBe(':-1\r\n');
    expect(await digest(follower.backend)).toEqual(await digest(leader.backend));
  });

  it('follows a deadline through RENAME, COPY, MOVE and SWAPDB', async () => {
    for (const line of [
      'SET a v PX 100',
      'RENAME a b',
      'COPY b c DB 2',
      'MOVE b 1',
      'SWAPDB 1 3',
    ]) {
      expect(await client.ask(line)).not.toMatch(/^-/);
    }
    clock.advance(100);
    await client.ask('SELECT 3');
    expect(await client.ask('EXISTS b')).toBe(':0\r\n');
    await client.ask('SELECT 2');
    expect(await client.ask('GET c')).toBe('$-1\r\n');
  });

  it('forgets a deadline that PERSIST or SET has taken away', async () => {
    for (const line of ['SET a v PX 100', 'PERSIST a', 'SET b v PX 100', 'SET b w'])
      await client.ask(line);
    clock.advance(1000);
    expect(await client.ask('MGET a b')).toBe('*2\r\n$1\r\nv\r\n$1\r\nw\r\n');
  });

  it('keeps a key whose deadline was moved to later', async () => {
    for (const line of ['SET a v PX 100', 'PEXPIRE a 500']) await client.ask(line);
    clock.advance(200);
    expect(await client.ask('PTTL a')).toBe(':300\r\n');
    clock.advance(300);
    expect(await client.ask('EXISTS a')).toBe(':0\r\n');
  });

  it('shows no expired key in KEYS, SCAN, RANDOMKEY and DBSIZE', async () => {
    for (let key = 0; key < 600; key++) client.send(`SET k${key} v PX 100\r\n`);
    for (let key = 0; key < 600; key++) await client.next();
    await client.ask('SET other v');
    clock.advance(100);
    expect(await client.ask('KEYS *')).toBe('*1\r\n$5\r\nother\r\n');
    expect(await client.ask('DBSIZE')).toBe(':1\r\n');
    expect(await client.ask('RANDOMKEY')).toBe('$5\r\nother\r\n');
    expect(await client.ask('SCAN 0 COUNT 10000')).toBe('*2\r\n$1\r\n0\r\n*1\r\n$5\r\nother\r\n');
  });

  it('does not pop from a set that has expired', async () => {
    for (const line of ['SADD s m', 'PEXPIRE s 100']) await client.ask(line);
    clock.advance(100);
    expect(await client.ask('SPOP s')).toBe('$-1\r\n');
  });

  it('expires keys that nobody touches, on every replica', async () => {
    await client.ask('SET k v PX 100');
    clock.advance(100);
    clock.tick();
    await expect.poll(() => digest(follower.backend)).toEqual([]);
    await expect.poll(() => leader.deadlines.size).toBe(0);
  });

  it('forgets keys that ended before their deadline', async () => {
    for (let key = 0; key < 2000; key++) {
      await client.ask(`SET k${key} v EX 1000`);
      await client.ask(`DEL k${key}`);
    }
    expect(leader.deadlines.size).toBeLessThan(200);
    expect(follower.deadlines.size).toBeLessThan(2000);
  });

  it('never goes back in time', async () => {
    await client.ask('SET k v PX 100');
    clock.advance(100);
    expect(await client.ask('GET k')).toBe('$-1\r\n');
    clock.advance(-60_000);
    await client.ask('SET j v PX 100');
    expect(await client.ask('PTTL j')).toBe(':100\r\n');
    expect(await client.ask('EXISTS k')).toBe(':0\r\n');
  });

  it('makes stream ids from the clock of the entry', async () => {
    const now = String(clock.now());
    expect(await client.ask('XADD x * f v')).toContain(`${now}-0`);
    expect(await client.ask('XADD x * f v')).toContain(`${now}-1`);
    await client.ask('XADD y 99999999999999-7 f v');
    expect(await client.ask('XADD y * f v')).toContain('99999999999999-8');
    expect(await client.ask('XADD y MAXLEN ~ 1 * f v')).toContain('99999999999999-9');
    expect(await client.ask('XLEN y')).toBe(':1\r\n');
    expect(await digest(follower.backend)).toEqual(await digest(leader.backend));
  });
});
