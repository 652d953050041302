import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RedisBackend, RedisFrontEnd, RedisStateMachine } from '../src/index.js';
import { ScriptedReplica } from './support/mirror.js';
import { RawClient } from './support/raw-client.js';
import { startSingle, type Single } from './support/redis.js';

/** Replica 0 leads and is whole; what replica 1 is and does, each test says. */
describe('a front end whose replica does not lead', () => {
  let leader: Single;
  let backend: RedisBackend;
  let replica: ScriptedReplica;
  let frontEnd: RedisFrontEnd;
  let client: RawClient;

  beforeEach(async () => {
    leader = await startSingle();
    backend = await RedisBackend.start();
    const stateMachine = new RedisStateMachine(backend);
    replica = new ScriptedReplica(stateMachine);
    const host = '127.0.0.1';
    const addresses = new Map([
      [0, { host, port: leader.port }],
      [2, { host, port: 1 }],
    ]);
    frontEnd = await RedisFrontEnd.listen({ replica, stateMachine, addresses });
    client = new RawClient(frontEnd.port);
  });
  afterEach(async () => {
    client.close();
    await frontEnd.close();
    await backend.close();
    await leader[Symbol.asyncDispose]();
  });

  function follow(id: number | undefined): void {
    replica.isLeader = false;
    replica.leader = id;
    replica.emit('leader', id);
  }

  it('passes clients on to the leader', async () => {
    follow(0);
    const large = 'x'.repeat(50_000);
    expect(await client.ask(`SET k ${large}`)).toBe('+OK\r\n');
    expect(await client.ask('GET k')).toContain(large);
    const direct = new RawClient(leader.port);
    expect(await direct.ask('STRLEN k')).toBe(':50000\r\n');
    direct.close();
  });

  it('takes along what a connection had set', async () => {
    await client.ask('SELECT 5');
    await client.ask('CLIENT SETNAME me');
    await client.ask('HELLO 3');
    follow(0);
    expect(await client.ask('CLIENT GETNAME')).toBe('$2\r\nme\r\n');
    expect(await client.ask('GET none')).toBe('_\r\n');
    await client.ask('SET five 1');
    const direct = new RawClient(leader.port);
    await direct.ask('SELECT 5');
    expect(await direct.ask('GET five')).toBe('$1\r\n1\r\n');
    direct.close();
  });

  it('says that nobody leads', async () => {
    follow(undefined);
    replica.outcome = { kind: 'notLeader', leader: undefined };
    replica.barrier = { kind: 'notLeader', leader: undefined };
    expect(await client.ask('SET k v')).toBe('-CLUSTERDOWN No Mu leader\r\n');
    expect(await client.ask('GET k')).toBe('-CLUSTERDOWN No Mu leader\r\n');
    expect(await client.ask('PING')).toBe('+PONG\r\n');
  });

  it('does not pass on what was passed to it', async () => {
    follow(0);
    const forwarded = new RawClient(frontEnd.port);
    forwarded.send('*4\r\n$10\r\nMU.FORWARD\r\n$1\r\n2\r\n$1\r\n0\r\n$0\r\n\r\n');
    expect(await forwarded.next()).toBe('-CLUSTERDOWN No Mu leader\r\n');
    expect(await forwarded.next()).toBe('closed');
  });

  it('believes no introduction that no replica would make', async () => {
    for (const introduction of ['9 0 me', '2 99 me', '2 -1 me', '2 x me', '2 0 "a b"']) {
      const stranger = new RawClient(frontEnd.port);
      expect(await stranger.ask(`MU.FORWARD ${introduction}`)).toBe(
        '-ERR invalid introduction\r\n',
      );
      expect(await stranger.next()).toBe('closed');
    }
  });

  it('says that nobody leads when the leader cannot be reached', async () => {
    follow(0);
    await leader.frontEnd.close();
    expect(await client.ask('SET k v')).toBe('-CLUSTERDOWN No Mu leader\r\n');
    expect(await client.next()).toBe('closed');
  });

  it('forgets clients that it could not pass on, and those whose leader is gone', async () => {
    follow(2);
    const refused = new RawClient(frontEnd.port);
    expect(await refused.ask('GET k')).toBe('-CLUSTERDOWN No Mu leader\r\n');
    await refused.closed;
    follow(0);
    const passedOn = new RawClient(frontEnd.port);
    await passedOn.ask('SET k v');
    await leader.frontEnd.close();
    await passedOn.closed;
    client.close();
    await expect.poll(() => frontEnd.clientCount).toBe(0);
  });

  it('drops passed-on clients when the leader changes', async () => {
    follow(0);
    await client.ask('SET k v');
    follow(undefined);
    follow(0);
    expect(await client.ask('GET k')).toBe('$1\r\nv\r\n');
    follow(2);
    expect(await client.next()).toBe('closed');
  });

  it('lets a client retry what was certainly not done', async () => {
    replica.outcome = { kind: 'notLeader', leader: 0 };
    client.send('SET k v\r\nSET k w\r\n');
    expect(await client.next()).toMatch(/^-READONLY /);
    expect(await client.next()).toMatch(/^-READONLY /);
    replica.outcome = undefined;
    expect(await client.ask('EXISTS k')).toBe(':0\r\n');
  });

  it('never answers OK to a write whose outcome is unknown', async () => {
    await client.ask('SET k v');
    replica.outcome = { kind: 'unknown', reason: 'lostPermission' };
    client.send('GET k\r\nSET k w\r\nGET k\r\n');
    expect(await client.next()).toMatch(/^-TRYAGAIN /);
    expect(await client.next()).toBe('-TIMEOUT outcome unknown\r\n');
    expect(await client.next()).toBe('closed');
  });

  it('reads nothing without a proof that it still leads', async () => {
    await client.ask('SET k v');
    replica.barrier = { kind: 'notLeader', leader: 0 };
    expect(await client.ask('GET k')).toMatch(/^-READONLY /);
  });

  it('answers reads of a READONLY client by itself, and refuses its writes', async () => {
    await client.ask('SET k here');
    follow(0);
    expect(await client.ask('HELLO 3')).toContain('replica');
    expect(await client.ask('READONLY')).toBe('+OK\r\n');
    client.send('GET k\r\nTTL k\r\nSET k w\r\nKEYS *\r\n');
    expect(await client.next()).toBe('$4\r\nhere\r\n');
    expect(await client.next()).toBe(':-1\r\n');
    expect(await client.next()).toMatch(/^-READONLY You can't write/);
    expect(await client.next()).toBe('*1\r\n$1\r\nk\r\n');
    await client.ask('MULTI');
    await client.ask('GET k');
    expect(await client.ask('EXEC')).toBe('*1\r\n$4\r\nhere\r\n');
    expect(await client.ask('CLIENT INFO')).toContain('flags=r');
    replica.local = { kind: 'rejected', reason: 'noState' };
    expect(await client.ask('GET k')).toMatch(/^-TRYAGAIN .*noState/);
    expect(await client.ask('READWRITE')).toBe('+OK\r\n');
    expect(await client.ask('GET k')).toBe('_\r\n');
  });

  it('tells its role', async () => {
    expect(await client.ask('ROLE')).toMatch(/^\*3\r\n\$6\r\nmaster/);
    expect(await client.ask('INFO replication')).toContain('role:master');
    const info = await client.ask('INFO');
    expect(info).toContain('# Mu\r\nmu_replica:1\r\nmu_role:leader\r\n');
    expect(info).toContain('redis_version:7.0.15');
    expect(await client.ask('INFO mu')).toContain('mu_entries_applied:');
  });
});
