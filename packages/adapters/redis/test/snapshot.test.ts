import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RedisStateMachine } from '../src/index.js';
import { RedisFrontEnd } from '../src/index.js';
import { digest } from './support/digest.js';
import { ManualClock } from './support/manual-clock.js';
import { MirroringProposer, startFollower } from './support/mirror.js';
import { RawClient } from './support/raw-client.js';

const WRITES = [
  'SET s v', 'SET t v PX 100', 'LPUSH l 1 2 3', 'SADD set a b c d', 'HSET h f v g w', 'ZADD z 1.5 a 2 b',
  'XADD x * f v', 'PFADD p a b', 'SELECT 3', 'SET three v EX 100', 'SPOP none', 'SELECT 0', 'SPOP set', 'INCRBYFLOAT f 0.1',
]; // prettier-ignore

describe('snapshot and restore', () => {
  let clock: ManualClock;
  let leader: RedisStateMachine;
  let follower: RedisStateMachine;
  let frontEnd: RedisFrontEnd;
  let client: RawClient;

  beforeEach(async () => {
    clock = new ManualClock();
    [leader, follower] = await Promise.all([startFollower(), startFollower()]);
    const replica = new MirroringProposer(leader, follower);
    frontEnd = await RedisFrontEnd.listen({ replica, stateMachine: leader, clock });
    client = new RawClient(frontEnd.port);
  });
  afterEach(async () => {
    client.close();
    await frontEnd.close();
    await Promise.all([leader.backend.close(), follower.backend.close()]);
  });

  it('carries the whole state to another redis-server', async () => {
    for (const line of WRITES) expect(await client.ask(line)).not.toMatch(/^-/);
    const joiner = await startFollower();
    await joiner.restore(leader.snapshot());
    expect(await digest(joiner.backend)).toEqual(await digest(leader.backend));
    expect((await digest(leader.backend)).length).toBe(10);
    expect(joiner.sequence).toBe(leader.sequence);
    expect(joiner.timestampMs).toBe(leader.timestampMs);
    expect(joiner.deadlines.nextMs()).toBe(leader.deadlines.nextMs());
    await joiner.backend.close();
  });

  it('replaces what was there before', async () => {
    await client.ask('SET new v');
    const empty = await startFollower();
    await leader.restore(empty.snapshot());
    expect(await digest(leader.backend)).toEqual([]);
    await empty.backend.close();
  });

  it('is the state between two entries, while more are applied', async () => {
    for (let count = 0; count < 100; count++) await client.ask('INCR n');
    const chunks = leader.snapshot();
    for (let count = 0; count < 100; count++) client.send('INCR n\r\n');
    for (let count = 0; count < 100; count++) await client.next();
    const joiner = await startFollower();
    await joiner.restore(chunks);
    expect(await digest(joiner.backend)).toEqual(['[0,"n","string","100",-1]']);
    expect(await digest(leader.backend)).toEqual(['[0,"n","string","200",-1]']);
    await joiner.backend.close();
  });

  it('replicas fed with the same entries have equal digests', async () => {
    for (const line of WRITES) await client.ask(line);
    clock.advance(100);
    for (const line of WRITES) await client.ask(line);
    expect(await digest(follower.backend)).toEqual(await digest(leader.backend));
  });

  it('refuses a snapshot that is cut off', async () => {
    const none = (async function* () {})();
    await expect(leader.restore(none)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' });
  });
});
