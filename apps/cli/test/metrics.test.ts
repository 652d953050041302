import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Home } from './support/home.ts';
import { Mu, mu } from './support/mu.ts';

const home = new Home();
afterAll(() => home.remove());

/** More than a healthy machine needs. */
const PATIENCE = { timeout: 30_000, interval: 50 };

/** The first of three ports in a row that are free. */
async function threePorts(): Promise<number> {
  for (;;) {
    const first = createServer().listen(0, '127.0.0.1');
    await once(first, 'listening');
    const { port } = first.address() as AddressInfo;
    const servers: Server[] = [first];
    try {
      for (const next of [port + 1, port + 2]) {
        const server = createServer().listen(next, '127.0.0.1');
        servers.push(server);
        await once(server, 'listening');
      }
      return port;
    } catch {
      // Somebody has one of them: others are tried.
    } finally {
      await Promise.all(
        servers.filter((server) => server.listening).map((server) => once(server.close(), 'close')),
      );
    }
  }
}

/** One series of one replica; -1 when the replica does not answer. */
async function scrape(port: number, series: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined);
  const lines = (await response?.text())?.split('\n') ?? [];
  const line = lines.find((one) => one.startsWith(`${series} `));
  return line === undefined ? -1 : Number(line.slice(series.length));
}

describe.each(['redis', 'kv'])('mu up %s --metrics-port', (application) => {
  it('serves the metrics of each replica; a paused replica was suspected in vain, a killed leader is a fail-over', async () => {
    const port = await threePorts();
    const group = `metrics-${application}`;
    const up = new Mu(home, ['up', application, '--group', group, '--metrics-port', String(port)]);
    await up.prints(/(\d .*\n){3}/);
    const ports = [port, port + 1, port + 2];
    const all = (series: string): Promise<number[]> =>
      Promise.all(ports.map((one) => scrape(one, series)));

    let leads: number[] = [];
    await vi.waitUntil(async () => {
      leads = await all('mu_leader');
      return leads.filter((one) => one === 1).length === 1;
    }, PATIENCE);
    const before = (await all('mu_failovers_total')).map((count) => Math.max(0, count));
    const old = leads.indexOf(1);
    const paused = (old + 1) % 3;
    const suspicions = (await scrape(ports[old], 'mu_false_suspicions_total')) + 1;
    await mu(home, 'pause', String(paused), '--group', group);
    const isTrusted = (): Promise<number> =>
      scrape(ports[old], `mu_peer_trusted{peer="${paused}"}`);
    await vi.waitUntil(async () => (await isTrusted()) === 0, PATIENCE);
    await mu(home, 'resume', String(paused), '--group', group);
    await vi.waitUntil(
      async () => (await scrape(ports[old], 'mu_false_suspicions_total')) >= suspicions,
      PATIENCE,
    );
    await mu(home, 'kill', String(old), '--group', group);
    await vi.waitUntil(
      async () =>
        (await all('mu_failovers_total')).some((count, id) => id !== old && count > before[id]),
      PATIENCE,
    );
    // The next life of the killed one serves its metrics at the same port.
    await vi.waitUntil(async () => (await all('mu_votes')).every((one) => one === 1), PATIENCE);
    expect(await scrape(ports[old], 'mu_states_received_total')).toBe(1);
    expect((await up.interrupt()).status).toBe(0);
    expect(home.remains(up.pid)).toEqual([]);
  });
});
