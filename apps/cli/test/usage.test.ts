import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Home } from './support/home.ts';
import { mu, shapeOf } from './support/mu.ts';

const home = new Home();
afterAll(() => home.remove());

const COMMANDS = ['up', 'run', 'status', 'kill', 'pause', 'resume', 'add', 'remove', 'replace', 'transfer', 'doctor', 'demo', 'sim', 'chaos', 'bench propose', 'bench failover', 'bench redis']; // prettier-ignore

function openedForWriting(file: string): number | undefined {
  try {
    return openSync(file, 'w');
  } catch {
    return undefined;
  }
}

describe('mu --help', () => {
  it('lists every command on stdout', async () => {
    const { status, stdout, stderr } = await mu(home, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const command of COMMANDS) expect(stdout).toContain(`  ${command.split(' ')[0]} `);
  });

  it.each(COMMANDS)('mu %s --help tells usage and options', async (command) => {
    const { status, stdout } = await mu(home, ...command.split(' '), '--help');
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: mu ${command} `);
  });
});

describe('a command line that cannot be meant', () => {
  const cases: [string, RegExp][] = [
    ['', /Usage: mu/],
    ['upp redis', /unknown command 'upp'[^]*up/],
    ['up', /missing required argument 'application'/],
    ['up memcached', /unknown application "memcached": redis or kv/],
    ['up redis --replicas 0', /--replicas must be a whole number from 1 to 9, not 0/],
    ['up redis --replicas three', /--replicas must be a whole number/],
    ['up redis --port 65535', /--port must be a whole number from 1 to 65531/],
    ['up redis --group ../x', /--group must be letters, digits, dots and dashes/],
    ['up redis --colour red', /unknown option '--colour'/],
    ['run redis --id 0', /required option '--config <file>' not specified/],
    ['run redis --config none.json --id zero', /--id must be a replica's number, not zero/],
    ['run redis --config /none.json --id 0', /cannot read \/none\.json: ENOENT/],
    ['sim --faults some', /--faults must be all or none/],
    ['sim --threads 0', /--threads must be a whole number from 1/],
    ['chaos --minutes never', /--minutes must be above 0/],
    ['bench failover --kind nicely', /--kind must be kill, pause, graceful, not nicely/],
    ['bench propose --payload 1', /--payload must be a whole number from 8/],
    ['bench redis --clients 0', /--clients must be a whole number from 1/],
  ];
  it.each(cases)('mu %s: exit status 2', async (line, problem) => {
    const { status, stdout, stderr } = await mu(home, ...line.split(' ').filter(Boolean));
    expect(stderr).toMatch(problem);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});

describe('mu run with a configuration that is wrong', () => {
  const CONFIG = {
    name: 'usage',
    fabric: '/dev/shm/mu-cli-usage',
    secret: 'sixteen characters',
    application: 'kv',
    replicas: [{ id: 0, client: '127.0.0.1:1' }],
    log: { capacityBytes: 16_777_216 },
  };
  const config = (text: string): string => {
    const path = join(home.environment.TMPDIR!, 'cluster.json');
    writeFileSync(path, text);
    return path;
  };

  it('says that it is not JSON', async () => {
    const { status, stderr } = await mu(home, 'run', 'kv', '--config', config('{'), '--id', '0');
    expect(stderr).toMatch(/cluster\.json is not JSON/);
    expect(status).toBe(2);
  });

  it.each([
    ['kv', { secret: 'short' }, /secret: must have at least 16 characters/],
    ['kv', { replicas: [{ id: 3, client: '127.0.0.1:1' }] }, /ids must be 0, 1, 2/],
    ['kv', { application: 'redis' }, /application: /],
    ['redis', {}, /application: /],
  ])('names the field (%s, %o)', async (application, change, problem) => {
    const path = config(JSON.stringify({ ...CONFIG, ...change }));
    const { status, stderr } = await mu(home, 'run', application, '--config', path, '--id', '0');
    expect(stderr).toMatch(problem);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });

  it('says which ids there are', async () => {
    const path = config(JSON.stringify(CONFIG));
    const { status, stderr } = await mu(home, 'run', 'kv', '--config', path, '--id', '5');
    expect(stderr).toMatch(/--id must be 0 to 0: .* has no replica 5/);
    expect(status).toBe(2);
  });
});

describe('without a group', () => {
  it.each(['status', 'status --json', 'kill 0', 'pause 0', 'resume 0'])(
    'mu %s says so',
    async (line) => {
      const { status, stdout, stderr } = await mu(home, ...line.split(' '));
      expect(stderr).toMatch(/no group runs on this machine; start one with: mu up redis/);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    },
  );
});

describe('mu doctor', () => {
  it('prints one JSON object with every field', async () => {
    const { status, stdout } = await mu(home, 'doctor', '--json');
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(status).toBe(0);
    expect(Object.keys(report)).toEqual(
      expect.arrayContaining(['node', 'platform', 'libc', 'providers', 'memlockBytes', 'hugePages', 'cpus', 'fabric']), // prettier-ignore
    );
    expect(shapeOf((report.providers as unknown[])[0])).toEqual({
      name: 'string',
      available: 'boolean',
      reason: 'null',
    });
  });

  it('reads well without --json', async () => {
    const { status, stdout } = await mu(home, 'doctor');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^node .*\nprovider {3}shm {6}available\n/);
  });

  it('tells of sessions that share the processors, as the kernel has it', async () => {
    const file = '/proc/sys/kernel/sched_autogroup_enabled';
    const autogroup = existsSync(file) ? readFileSync(file, 'utf8') !== '0\n' : null;
    const json = await mu(home, 'doctor', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ autogroup });
    const { stdout } = await mu(home, 'doctor');
    expect(stdout.includes('kernel.sched_autogroup_enabled=0')).toBe(autogroup === true);
  });

  it('tells whether processors are kept awake, where that may be asked', async () => {
    const held = openedForWriting('/dev/cpu_dma_latency');
    // The least of what all ask for who have it open.
    if (held !== undefined) writeSync(held, Buffer.alloc(4));
    const json = await mu(home, 'doctor', '--json');
    const { stdout } = await mu(home, 'doctor');
    if (held !== undefined) closeSync(held);
    expect(JSON.parse(json.stdout)).toMatchObject({ wakeUpLimitUs: held === undefined ? null : 0 });
    expect(stdout).toMatch(
      held === undefined ? /^idle +unknown/m : /^idle +processors wake up within 0 us$/m,
    );
  });
});
