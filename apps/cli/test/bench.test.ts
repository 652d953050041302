import { afterAll, describe, expect, it } from 'vitest';
import { descendants, Home, isAlive, until } from './support/home.ts';
import { ENVIRONMENT, Mu, mu, shapeOf } from './support/mu.ts';

const home = new Home();
afterAll(() => home.remove());

/** Runs a benchmark with tiny counts; its figures mean nothing and are not looked at. */
async function bench(line: string): Promise<Record<string, unknown>> {
  const command = new Mu(home, [...line.split(' '), '--json']);
  const { status, stdout, stderr } = await command.ended;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(home.remains(command.pid)).toEqual([]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('mu bench propose --json', () => {
  it.each([
    ['', { outstanding: 1, batch: 1, fabricRttNs: 0, modelled: false }],
    [' --outstanding 4 --batch 8 --fabric-rtt-ns 1150', { outstanding: 4, batch: 8, fabricRttNs: 1150, modelled: true }], // prettier-ignore
  ])('prints every field (%s)', async (more, asked) => {
    const report = await bench(`bench propose --replicas 3 --payload 64 --count 1000${more}`);
    const raw = { p50: 'number', p99: 'number' };
    expect(shapeOf(report)).toEqual({
      ...{ bench: 'string', provider: 'string', replicas: 'number', payloadBytes: 'number' },
      ...{ count: 'number', outstanding: 'number', batch: 'number', fabricRttNs: 'number' },
      latencyNs: { ...raw, p999: 'number', max: 'number' },
      ...{ meanNs: 'number', rawWriteNs: raw, rawMeanNs: 'number', ratioToRaw: 'number' },
      ...{
        ratioOfMedians: 'number',
        overheadNs: 'number',
        opsPerSecond: 'number',
        clockReadNs: 'number',
        leaderHasOwnCore: 'boolean',
      },
      ...{ modelled: 'boolean', ...ENVIRONMENT },
    });
    expect(report).toMatchObject({ bench: 'propose', provider: 'shm', replicas: 3, ...asked });
    expect(report).toMatchObject({ payloadBytes: 64, count: 1000 });
  });
});

describe('mu bench failover --json', () => {
  it.each(['kill', 'pause', 'graceful'])(
    'prints every field, and nothing is lost (%s)',
    async (kind) => {
      const report = await bench(`bench failover --trials 1 --kind ${kind}`);
      expect(shapeOf(report)).toEqual({
        ...{ bench: 'string', kind: 'string', trials: 'number' },
        totalUs: { p50: 'number', p99: 'number', max: 'number' },
        ...{ detectUs: 'number', permissionUs: 'number', catchUpUs: 'number' },
        ...{ lostAcknowledged: 'number', duplicated: 'number', falseSuspicions: 'number' },
        ...ENVIRONMENT,
      });
      expect(report).toMatchObject({ bench: 'failover', kind, trials: 1 });
      expect(report).toMatchObject({ lostAcknowledged: 0, duplicated: 0 });
    },
  );
});

describe('mu bench redis --json', () => {
  it('prints every field', async () => {
    const report = await bench('bench redis --clients 2 --pipeline 4 --payload 64 --requests 101');
    const figures = { p50Us: 'number', p99Us: 'number', opsPerSecond: 'number' };
    expect(shapeOf(report)).toEqual({
      ...{ bench: 'string', clients: 'number', pipeline: 'number', payloadBytes: 'number' },
      ...{ requests: 'number', bare: figures, proxied: figures, replicated: figures },
      ...{ addedByReplicationUs: 'number', ratioToProxied: 'number', redisWait: figures },
      ...ENVIRONMENT,
    });
    expect(report).toMatchObject({ bench: 'redis', clients: 2, pipeline: 4, requests: 101 });
  });
});

describe('mu bench soak --json', () => {
  it.each(['writes', 'idle', 'load'])(
    'prints every field, and replicas are equal (%s)',
    async (kind) => {
      const report = await bench(`bench soak --kind ${kind} --minutes 0.06`);
      expect(shapeOf(report)).toEqual({
        ...{ bench: 'string', kind: 'string', seconds: 'number', commands: 'number' },
        ...{ wraps: 'number', longestGapMs: 'number', secondsWithout: 'number' },
        rssBytes: { afterFifth: 'number', last: 'number', max: 'number' },
        ...{ digestsEqual: 'boolean', duplicated: 'number', missing: 'number' },
        ...{ leaderChanges: 'number', falseSuspicions: 'number' },
        ...ENVIRONMENT,
      });
      expect(report).toMatchObject({ bench: 'soak', kind, digestsEqual: true, duplicated: 0 });
      if (kind === 'idle') expect(report.longestGapMs).toBe(0);
      else expect(report.commands).toBeGreaterThan(1000);
    },
  );
});

describe('mu sim --json', () => {
  it('prints every field', async () => {
    const report = await bench('sim --seeds 2 --first 7 --faults none');
    expect(shapeOf(report)).toEqual({
      ...{ seeds: 'number', first: 'number', steps: 'number', violations: [] },
      ...{ livenessFailures: 'number', seconds: 'number' },
    });
    expect(report).toMatchObject({ seeds: 2, first: 7, livenessFailures: 0 });
  });

  it('has a form for people', async () => {
    const { status, stdout } = await mu(home, 'sim', '--seeds', '1');
    expect(stdout).toMatch(/^1 seeds from 1: \d+ steps in [\d.]+ s\n0 violations/);
    expect(status).toBe(0);
  });
});

describe('Ctrl-C in the middle of a benchmark', () => {
  it.each([
    'propose --count 100000000',
    'failover --trials 1000 --kind pause',
    'redis --requests 100000000',
  ])('ends mu bench %s and leaves nothing', async (line) => {
    const command = new Mu(home, ['bench', ...line.split(' ')]);
    const seen = new Set<number>();
    await until('three children run', () => {
      for (const { pid } of descendants(command.pid)) seen.add(pid);
      return seen.size >= 3;
    });
    expect((await command.interrupt()).status).toBe(130);
    await until('every process ends', () => ![...seen].some(isAlive));
    expect(home.remains(command.pid)).toEqual([]);
  });
});
