import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Home, isAlive } from './support/home.ts';
import { membersOf, type Member } from './support/members.ts';
import { Mu, mu } from './support/mu.ts';

const home = new Home();
afterAll(() => home.remove());

interface Change {
  readonly added?: number;
  readonly removed?: number;
  readonly replicas: readonly Member[];
}

/** Writes and reads one key as a client of the application would. */
interface Client {
  write(address: string, value: string): Promise<void>;
  read(address: string): Promise<string | null>;
}

async function withRedis<T>(address: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const [host, port] = address.split(':');
  const redis = new Redis(Number(port), host);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

const clients: Readonly<Record<'kv' | 'redis', Client>> = {
  kv: {
    write: async (address, body) => {
      const written = await fetch(`http://${address}/key`, { method: 'PUT', body });
      expect(written.status).toBe(204);
    },
    read: async (address) => (await fetch(`http://${address}/key`)).text(),
  },
  redis: {
    write: (address, value) =>
      withRedis(address, async (redis) => expect(await redis.set('key', value)).toBe('OK')),
    read: (address) => withRedis(address, (redis) => redis.get('key')),
  },
};

const idsOf = (replicas: readonly Member[]): number[] => replicas.map(({ id }) => id);
const leaderOf = (replicas: readonly Member[]): Member =>
  replicas.find(({ status }) => status?.role === 'leader')!;

describe.each(['kv', 'redis'] as const)('the members of a group of %s', (application) => {
  const group = `members-${application}`;
  const client = clients[application];
  let up: Mu;
  beforeAll(async () => {
    up = new Mu(home, ['up', application, '--group', group, '--spares', '2']);
    await up.prints(/(\d .*\n){3}/);
  });
  afterAll(() => up.signal('SIGKILL'));

  const members = (): Promise<readonly Member[]> => membersOf(home, group);
  const change = async (...args: string[]): Promise<Change> => {
    const { status, stdout, stderr } = await mu(home, ...args, '--group', group, '--json');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    return JSON.parse(stdout) as Change;
  };

  it('gives a replica that is added the state and a vote, and tells of its phases', async () => {
    await client.write((await members())[1].client, 'before');
    const { status, stdout } = await mu(home, 'add', '--group', group);
    expect(stdout).toMatch(/^replica 3 starts\n(.*\n)*replica 3 votes\nid +role +clients/);
    expect(status).toBe(0);
    const all = await members();
    expect(leaderOf(all).status?.members).toEqual([0, 1, 2, 3]);
    expect(all[3].status?.votes).toBe(true);
    expect(await client.read(all[3].client)).toBe('before');
    const told = await mu(home, 'status', '--group', group);
    expect(told.stdout).toMatch(/\nwarning: an even number of members, 4, /);
    await up.prints(/replica 3 belongs to the group/);
  });

  it('ends a replica that is removed, which is not started again', async () => {
    const removed = (await members()).find(({ id }) => id === 3)!;
    const { replicas } = await change('remove', '3');
    expect(idsOf(replicas)).toEqual([0, 1, 2]);
    expect(leaderOf(replicas).status?.members).toEqual([0, 1, 2]);
    expect(isAlive(removed.pid)).toBe(false);
    await up.prints(/replica 3 has left the group/);
    expect(up.stdout).not.toMatch(/replica 3 was started again/);
  });

  it('lets a leader hand over to the replica that is named, and to no other', async () => {
    const before = await members();
    const leader = leaderOf(before);
    await client.write(leader.client, 'handed over');
    const successor = before.find(({ id }) => id !== leader.id)!;
    const { stdout } = await mu(home, 'transfer', '--group', group, '--to', String(successor.id));
    expect(stdout).toBe(`replica ${leader.id} handed over: replica ${successor.id} leads\n`);
    const after = await members();
    expect(leaderOf(after).id).toBe(successor.id);
    expect(after.map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid));
    expect(await client.read(successor.client)).toBe('handed over');

    const again = await mu(home, 'transfer', '--group', group, '--to', String(successor.id));
    expect(again.stderr).toMatch(/leads already \[USAGE\]/);
    const nobody = await mu(home, 'transfer', '--group', group, '--to', '3');
    expect(nobody.stderr).toMatch(/replica 3 is no member.*\[NOT_TRANSFERRED\]\n$/);
    expect([again.status, nobody.status]).toEqual([2, 1]);
  });

  it('refuses a removal that costs the last failure it bears, unless it is forced', async () => {
    const refused = await mu(home, 'remove', '1', '--group', group);
    expect(refused.stderr).toMatch(/2 of 2 replicas would run.*\[LESS_SAFE\]\n$/);
    expect(refused.status).toBe(1);
    expect(leaderOf(await members()).status?.members).toEqual([0, 1, 2]);
    const follower = (await members()).find(({ status }) => status?.role === 'follower')!;
    const { replicas } = await change('remove', String(follower.id), '--force');
    expect(leaderOf(replicas).status?.members).toHaveLength(2);
    const again = await mu(home, 'remove', String(leaderOf(replicas).id), '--group', group);
    expect(again.stderr).toMatch(/\[NO_MAJORITY\]\n$/);
    expect((await change('add')).added).toBe(follower.id);
  });

  it('has no replica left that founded it, the leader neither, and keeps what was written', async () => {
    const founders = await members();
    await client.write(founders[0].client, 'kept');
    for (const { id } of founders) {
      const { added, removed, replicas } = await change('replace', String(id));
      expect(removed).toBe(id);
      expect(idsOf(replicas)).toContain(added);
      expect(idsOf(replicas)).toHaveLength(3);
      expect(leaderOf(replicas).status?.members).toEqual(idsOf(replicas));
    }
    const all = await members();
    expect(founders.map(({ pid }) => pid).filter(isAlive)).toEqual([]);
    for (const { client: address } of all) expect(await client.read(address)).toBe('kept');
    await client.write(all[0].client, 'new');
    expect(await client.read(all[2].client)).toBe('new');
  });

  it('takes an addition back that is interrupted', async () => {
    const before = idsOf(await members());
    const adding = new Mu(home, ['add', '--group', group]);
    await adding.prints(/replica \d starts/);
    const { status, stderr } = await adding.interrupt();
    expect(stderr).toMatch(/interrupted \[INTERRUPTED\]/);
    expect(status).toBe(130);
    const after = await members();
    expect(idsOf(after)).toEqual(before);
    expect(leaderOf(after).status?.members).toEqual(before);
  });

  it('refuses what there is no replica and no room for', async () => {
    const none = await mu(home, 'remove', '15', '--group', group);
    expect(none.stderr).toMatch(/has no replica 15 \[NO_REPLICA\]/);
    expect(none.status).toBe(2);
    const full = await mu(home, 'add', '--id', '9', '--group', group);
    expect(full.stderr).toMatch(/has no free place 9; mu up --spares .*\[NO_ROOM\]/);
    expect(full.status).toBe(1);
    const word = await mu(home, 'replace', 'one', '--group', group);
    expect(word.status).toBe(2);
  });

  it('is gone after Ctrl-C, with all that it used', async () => {
    const pids = (await members()).map(({ pid }) => pid);
    expect((await up.interrupt()).status).toBe(0);
    expect(home.remains(up.pid)).toEqual([]);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

describe('a dead member', () => {
  it('is replaced at its own place where there is no other', async () => {
    const up = new Mu(home, ['up', 'kv', '--group', 'dead', '--spares', '0', '--no-restart']);
    await up.prints(/(\d .*\n){3}/);
    await mu(home, 'kill', '1', '--group', 'dead');
    await up.prints(/replica 1 has ended/);
    const { stdout, status } = await mu(home, 'replace', '1', '--group', 'dead', '--json');
    expect(status).toBe(0);
    const { added, removed, replicas } = JSON.parse(stdout) as Change;
    expect({ added, removed }).toEqual({ added: 1, removed: 1 });
    expect(replicas.map((one) => one.status?.votes)).toEqual([true, true, true]);
    expect((await up.interrupt()).status).toBe(0);
    expect(home.remains(up.pid)).toEqual([]);
  });
});

describe('a replacement that the group cannot bear any more', () => {
  it('is taken back, the replica that was to come too', async () => {
    const args = ['up', 'kv', '--group', 'refused', '--replicas', '4', '--spares', '1'];
    const up = new Mu(home, [...args, '--no-restart']);
    await up.prints(/(\d .*\n){4}/);
    const before = await membersOf(home, 'refused');
    const [dies, goes] = before.filter(({ status }) => status?.role === 'follower');
    const replacing = new Mu(home, ['replace', String(goes.id), '--group', 'refused']);
    await replacing.prints(/replica 4 starts/);
    process.kill(dies.pid, 'SIGKILL');
    const { status, stderr } = await replacing.ended;
    expect(stderr).toMatch(/3 of 4 replicas would run.*\[LESS_SAFE\]\n$/);
    expect(status).toBe(1);
    const after = await membersOf(home, 'refused');
    expect(idsOf(after)).toEqual([0, 1, 2, 3]);
    expect(leaderOf(after).status?.members).toEqual([0, 1, 2, 3]);
    expect(isAlive(goes.pid)).toBe(true);
    expect((await up.interrupt()).status).toBe(0);
    expect(home.remains(up.pid)).toEqual([]);
  });
});
