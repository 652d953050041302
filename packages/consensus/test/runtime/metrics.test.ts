import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import type { TimelineStep } from '../../dist/index.js';
import { MetricsServer } from '../../dist/metrics.js';
import { TestGroup } from './group.ts';

async function scrape({ port }: MetricsServer): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return response.text();
}

/** The value of one series. */
function valueOf(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  expect(line, series).toBeDefined();
  return Number(line?.slice(series.length));
}

describe('the metrics of a replica', () => {
  it('tell what it proposed, and who is there', async () => {
    await using group = await TestGroup.start(3);
    const servers = await Promise.all(
      group.replicas.map((replica) => MetricsServer.listen(replica, { port: 0 })),
    );
    for (let round = 0; round < 5; round++) await group.decide('x');
    const scrapeAll = (): Promise<string[]> => Promise.all(servers.map(scrape));
    const sumOf = (texts: string[], series: string): number =>
      texts.reduce((sum, text) => sum + valueOf(text, series), 0);
    const texts = await vi.waitUntil(async () => {
      const all = await scrapeAll();
      return sumOf(all, 'mu_applied_commands_total') === 15 ? all : undefined;
    }, 10_000);
    // On a busy machine not all of them need have had the same leader.
    expect(sumOf(texts, 'mu_decided_commands_total')).toBe(5);
    expect(sumOf(texts, 'mu_propose_latency_seconds_count')).toBe(5);
    expect(sumOf(texts, 'mu_propose_latency_seconds_bucket{le="+Inf"}')).toBe(5);
    expect(sumOf(texts, 'mu_propose_latency_seconds_sum')).toBeGreaterThan(0);
    expect(texts.map((text) => valueOf(text, 'mu_members'))).toEqual([3, 3, 3]);
    expect(texts.map((text) => valueOf(text, 'mu_votes'))).toEqual([1, 1, 1]);
    expect(valueOf(texts[0], 'mu_peer_applied_offset_bytes{peer="2"}')).toBeGreaterThan(0);
    // Counters are read anew, not added up, at each scrape.
    expect(sumOf(await scrapeAll(), 'mu_decided_commands_total')).toBe(5);
  });

  it('count a fail-over and its phases; the timeline has every step in order', async () => {
    await using group = await TestGroup.start(3);
    await group.decide('before');
    const old = await group.leader();
    const others = group.replicas.filter((replica) => replica !== old);
    const servers = await Promise.all(
      others.map((replica) => MetricsServer.listen(replica, { port: 0 })),
    );
    const timelines = others.map((replica) => {
      const steps: TimelineStep[] = [];
      replica.on('timeline', (step) => steps.push(step));
      return steps;
    });
    // It cannot apply, so it stops at once, and hands over to nobody.
    group.journals[old.id].apply = () => {
      throw new Error('no more');
    };
    await old.propose(Buffer.from('last'));
    const next = await vi.waitUntil(() => others.findIndex((replica) => replica.isLeader) + 1, 10_000); // prettier-ignore
    await others[next - 1].propose(Buffer.from('after'));
    const steps = timelines[next - 1];
    await vi.waitFor(() => expect(steps.at(-1)?.kind).toBe('firstDecided'));

    const kinds = steps.map(({ kind }) => kind);
    expect(kinds.slice(0, 2)).toEqual(['suspected', 'requested']);
    expect(steps[0]).toMatchObject({ replica: old.id });
    const granted = kinds.filter((kind) => kind === 'granted');
    expect(granted.length).toBeGreaterThanOrEqual(2);
    expect(kinds.slice(2)).toEqual([...granted, 'caughtUp', 'firstDecided']);
    const times = steps.map(({ atUs }) => atUs);
    expect(times).toEqual([...times].sort((one, other) => one - other));

    const text = await scrape(servers[next - 1]);
    expect(valueOf(text, 'mu_failovers_total')).toBe(1);
    expect(valueOf(text, 'mu_take_overs_total')).toBe(1);
    expect(valueOf(text, 'mu_suspicions_total')).toBeGreaterThanOrEqual(1);
    for (const phase of ['request', 'catchUp', 'firstDecided'])
      expect(valueOf(text, `mu_failover_phase_seconds_count{phase="${phase}"}`)).toBe(1);
    expect(valueOf(text, 'mu_failover_phase_seconds_count{phase="grants"}')).toBe(granted.length);
  });

  it('are gone when the replica is closed', async () => {
    await using group = await TestGroup.start(1);
    const server = await MetricsServer.listen(group.replicas[0], { port: 0 });
    const { port } = server;
    await scrape(server);
    await group.replicas[0].close();
    await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow();
  });

  it('answer nothing but GET /metrics', async () => {
    await using group = await TestGroup.start(1);
    const { port } = await MetricsServer.listen(group.replicas[0], { port: 0 });
    const at = `http://127.0.0.1:${port}`;
    expect((await fetch(`${at}/`)).status).toBe(404);
    expect((await fetch(`${at}/metrics`, { method: 'POST' })).status).toBe(405);
  });

  it('say which port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await using group = await TestGroup.start(1);
    const refused = MetricsServer.listen(group.replicas[0], { port });
    await expect(refused).rejects.toMatchObject({
      code: 'METRICS_PORT',
      message: `cannot serve metrics at port ${port} of 127.0.0.1: it is in use`,
    });
    server.close();
  });
});
