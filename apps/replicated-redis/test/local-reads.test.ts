import { afterEach, describe, expect, it } from 'vitest';
import { Cluster } from './support/cluster.ts';

describe('a READONLY client of a follower', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  it('is answered while nobody else is, and others are told nothing old', async () => {
    cluster = await Cluster.start();
    const leader = await cluster.leader();
    const [follower, other] = cluster.members.filter((member) => member !== leader);
    const writer = leader.connect();
    expect(await writer.set('key', 'value')).toBe('OK');
    await cluster.settled(cluster.members);

    const local = follower.connect();
    expect(await local.readonly()).toBe('OK');
    expect(await local.role()).toContain('slave');
    // In this order, and each as a whole: the other could make the follower a leader, and be written to
    // although it is stopped.
    await other.stop();
    await leader.stop();
    expect(await local.get('key')).toBe('value');
    await expect(local.set('key', 'new')).rejects.toThrow(/^READONLY /);

    const byDefault = follower.connect();
    const read = byDefault.get('key').catch((error: Error) => error);
    expect(await local.get('key')).toBe('value');
    for (const member of [leader, other]) member.signal('SIGCONT');
    const answer = await read;
    if (!(answer instanceof Error)) expect(answer).toBe('value');
    for (const redis of [writer, local, byDefault]) redis.disconnect();
  });
});
