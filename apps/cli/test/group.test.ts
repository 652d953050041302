import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Home, isAlive, until } from './support/home.ts';
import { membersOf, type Member } from './support/members.ts';
import { Mu, mu } from './support/mu.ts';

const home = new Home();
afterAll(() => home.remove());

const members = (group: string): Promise<readonly Member[]> => membersOf(home, group);

/** Asks until the group is as it should be. */
async function membersOnce(
  group: string,
  holds: (members: readonly Member[]) => boolean,
): Promise<readonly Member[]> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const found = await members(group);
    if (holds(found)) return found;
  }
  throw new Error(`group ${group} did not become what it should`);
}

const leads = ({ status }: Member): boolean => status?.role === 'leader';

describe.each(['redis', 'kv'])('a local group of %s', (application) => {
  const group = `test-${application}`;
  let up: Mu;
  beforeAll(async () => {
    up = new Mu(home, ['up', application, '--group', group]);
    await up.prints(/^group .*\n.*\n(\d .*\n){3}/);
  });
  afterAll(() => up.signal('SIGKILL'));

  it('says where clients connect', () => {
    expect(up.stdout).toMatch(/clients connect to 127\.0\.0\.1:\d+, .*; Ctrl-C ends it/);
  });

  it('tells its state as JSON, and exits with 0 while somebody leads', async () => {
    await membersOnce(group, (all) => all.some(leads));
    const { status, stdout } = await mu(home, 'status', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ group, application, replicas: [{}, {}, {}] });
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const table = await mu(home, 'status', '--group', group);
    expect(table.stdout).toMatch(/^group test-\w+ \(\w+\)\nid {2}role/);
    expect(table.stdout).toMatch(/^\d {3}leader/m);
  });

  it('does not start twice', async () => {
    const again = await mu(home, 'up', application, '--group', group);
    expect(again.stderr).toMatch(/runs already; choose another name with --group \[GROUP_RUNS\]/);
    expect(again.status).toBe(1);
  });

  it('goes on while a leader is paused, and has it back as a follower', async () => {
    const old = (await membersOnce(group, (all) => all.some(leads))).find(leads)!;
    expect((await mu(home, 'pause', String(old.id))).stdout).toMatch(/SIGSTOP sent to replica/);
    const paused = await membersOnce(group, (all) => all.some((one) => one.id !== old.id && leads(one))); // prettier-ignore
    expect(paused[old.id]).toMatchObject({ process: 'paused', status: null });
    await mu(home, 'resume', String(old.id));
    const resumed = await membersOnce(
      group,
      (all) => all.every(({ status }) => status !== null) && all.filter(leads).length === 1,
    );
    expect(resumed[old.id].process).toBe('running');
  });

  it('goes on while a leader is killed, which is started again and votes', async () => {
    const old = (await membersOnce(group, (all) => all.some(leads))).find(leads)!;
    expect((await mu(home, 'kill', String(old.id))).stdout).toMatch(/SIGKILL sent to replica/);
    await membersOnce(group, (all) => all.some((one) => one.id !== old.id && leads(one)));
    await up.prints(new RegExp(`replica ${old.id} has ended`));
    await up.prints(new RegExp(`replica ${old.id} was started again`));
    const back = await membersOnce(group, (all) => all.every(({ status }) => status?.votes));
    expect(back[old.id].pid).not.toBe(old.pid);
  });

  it('names the replicas it has', async () => {
    const { status, stderr } = await mu(home, 'kill', '7', '--group', group);
    expect(stderr).toMatch(/has no replica 7, only 0, 1, 2/);
    expect(status).toBe(2);
    const other = await mu(home, 'status', '--group', 'other');
    expect(other.stderr).toMatch(/no group "other" runs; name one with --group: test-/);
  });

  it('is gone after Ctrl-C, with all that it used', async () => {
    const pids = (await members(group)).map(({ pid }) => pid);
    expect((await up.interrupt()).status).toBe(0);
    expect(home.remains(up.pid)).toEqual([]);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

describe('a group whose replicas are not started again', () => {
  it('says of a killed one that it is dead', async () => {
    const up = new Mu(home, ['up', 'kv', '--group', 'mortal', '--no-restart']);
    await up.prints(/(\d .*\n){3}/);
    const all = ['--group', 'mortal'];
    await mu(home, 'kill', '2', ...all);
    await up.prints(/replica 2 has ended/);
    expect((await members('mortal'))[2]).toMatchObject({ process: 'dead', status: null });
    const again = await mu(home, 'kill', '2', ...all);
    expect(again.stderr).toMatch(/is dead already/);
    expect(again.status).toBe(1);
    expect((await up.interrupt()).status).toBe(0);
    expect(home.remains(up.pid)).toEqual([]);
  });
});

describe('a supervisor that is killed', () => {
  it.each(['redis', 'kv'])(
    'leaves no replica of %s, not even a paused one',
    async (application) => {
      const up = new Mu(home, ['up', application, '--group', 'orphans']);
      await up.prints(/(\d .*\n){3}/);
      const all = await members('orphans');
      await mu(home, 'pause', '1', '--group', 'orphans');
      up.signal('SIGKILL');
      await up.ended;
      await until('every replica ends', () => !all.some(({ pid }) => isAlive(pid)));

      // What it could not remove itself goes with the next command.
      expect((await mu(home, 'status')).stderr).toMatch(/no group runs/);
      expect(home.remains(up.pid)).toEqual([]);
    },
  );
});

describe('a group that cannot start', () => {
  const servers = new Set<ReturnType<typeof createServer>>();
  afterEach(() => servers.forEach((server) => server.close()));

  it('names the port that is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    servers.add(server);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const up = new Mu(home, ['up', 'kv', '--group', 'ports', '--port', String(port)]);
    const { status, stderr } = await up.ended;
    expect(stderr).toMatch(new RegExp(`port ${port} of 127.0.0.1 is in use; choose another`));
    expect(status).toBe(1);
    expect(home.remains(up.pid)).toEqual([]);
  });

  it("passes a replica's own words on", async () => {
    const up = new Mu(home, ['up', 'kv', '--group', 'small', '--log-bytes', '1000']);
    const { status, stderr } = await up.ended;
    expect(stderr).toMatch(/^mu: replica \d did not start: .*power of two.*\[START_FAILED\]\n$/);
    expect(status).toBe(1);
    expect(home.remains(up.pid)).toEqual([]);
  });
});

describe('mu up on a terminal', () => {
  it('draws its table anew in place', async () => {
    const { spawn } = await import('node:child_process');
    const bin = new URL('../bin/mu.js', import.meta.url).pathname;
    // `exec`, or a shell that stays would take the Ctrl-C for itself.
    const command = `exec ${process.execPath} ${bin} up kv --group terminal --replicas 1`;
    const terminal = spawn('script', ['-qefc', command, '/dev/null'], { env: home.environment });
    let text = '';
    terminal.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    // Two lines, drawn over what was there.
    await until('a second table', () => text.includes('\x1b[2A\x1b[J'));
    const [replica] = await members('terminal');
    terminal.stdin.write('\x03');
    expect(await once(terminal, 'close')).toEqual([0, null]);
    expect(isAlive(replica.pid)).toBe(false);
  });
});
