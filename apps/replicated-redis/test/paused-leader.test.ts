import { afterEach, describe, expect, it } from 'vitest';
import { Cluster } from './support/cluster.ts';

describe('a paused leader', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  it('does no harm when it is continued, and becomes an equal follower', async () => {
    cluster = await Cluster.start();
    const old = await cluster.leader();
    const client = old.connect();
    expect(await client.set('key', 'before')).toBe('OK');

    old.signal('SIGSTOP');
    // What it takes in and cannot answer: nobody may ever be told OK unless it is so.
    const late = client.set('late', 'value').catch((error: Error) => error.message);
    const leader = await cluster.leader(old);
    const other = leader.connect();
    expect(await other.set('key', 'after')).toBe('OK');
    for (let n = 0; n < 200; n++) await other.set(`while paused:${n}`, String(n));

    old.signal('SIGCONT');
    await cluster.until('it has stepped back', () => old.role === 'follower');
    const said = await late;
    if (said === 'OK') expect(await other.get('late')).toBe('value');
    else expect(said).toMatch(/READONLY|CLUSTERDOWN|TRYAGAIN|TIMEOUT|closed/);

    expect((await cluster.commonDigest(cluster.members)).length).toBeGreaterThanOrEqual(201);
    expect((await old.status()).role).toBe('follower');
    const through = old.connect();
    expect(await through.get('key')).toBe('after');
    for (const redis of [client, other, through]) redis.disconnect();
  });
});
