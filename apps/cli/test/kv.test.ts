import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Home } from './support/home.ts';
import { Mu, mu } from './support/mu.ts';

const home = new Home();

/** The built-in key-value store over HTTP, any replica taking any client. */
describe('the key-value application', () => {
  let up: Mu;
  let bases: string[];
  beforeAll(async () => {
    up = new Mu(home, ['up', 'kv', '--group', 'kv']);
    await up.prints(/(\d .*\n){3}/);
    bases = [...up.stdout.matchAll(/127\.0\.0\.1:\d+(?=[,;])/g)].map(
      ([client]) => `http://${client}`,
    );
  });
  afterAll(async () => {
    await up.interrupt();
    home.remove();
  });

  /** A write that is retried while nobody leads yet. */
  async function put(base: string, key: string, body: string): Promise<number> {
    for (;;) {
      const { status } = await fetch(`${base}/${key}`, { method: 'PUT', body });
      if (status !== 503) return status;
    }
  }

  it('takes a write at each replica and reads it back at each', async () => {
    expect(bases).toHaveLength(3);
    for (const [n, base] of bases.entries()) {
      expect(await put(base, `key-${n}`, `värde ${n}`)).toBe(204);
      for (const other of bases)
        expect(await (await fetch(`${other}/key-${n}`)).text()).toBe(`värde ${n}`);
    }
  });

  // I11: a retry, wherever it goes, is answered as the first attempt was, and changes nothing.
  it('does a numbered write once', async () => {
    const opened = await fetch(bases[1], { method: 'POST' });
    expect(opened.status).toBe(201);
    const session = await opened.text();
    const write = async (base: string, sequence: string, body: string): Promise<number> => {
      const headers = { 'mu-session': session, 'mu-sequence': sequence };
      return (await fetch(`${base}/once`, { method: 'PUT', body, headers })).status;
    };
    expect(await write(bases[0], '1', 'first')).toBe(204);
    expect(await write(bases[1], '2', 'second')).toBe(204);
    for (const base of bases) expect(await write(base, '1', 'first')).toBe(204);
    expect(await (await fetch(`${bases[2]}/once`)).text()).toBe('second');
    expect(await write(bases[0], '30', 'third')).toBe(204);
    expect(await write(bases[0], '2', 'second')).toBe(409);
    for (const malformed of ['0', '-1', '1.5', 'x', ''])
      expect(await write(bases[0], malformed, 'x')).toBe(400);
    const headers = { 'mu-session': `${session.slice(0, -1)}z`, 'mu-sequence': '1' };
    expect((await fetch(`${bases[0]}/once`, { method: 'PUT', body: 'x', headers })).status).toBe(
      400,
    );
    headers['mu-session'] = '4000-0123456789abcdef';
    expect((await fetch(`${bases[0]}/once`, { method: 'PUT', body: 'x', headers })).status).toBe(
      410,
    );
    expect(await (await fetch(`${bases[2]}/once`)).text()).toBe('third');
  });

  // docs/internals/divergence.md: each replica compares its state with the leader's, sessions included.
  it('has its replicas compare their states', async () => {
    interface Status {
      readonly counters: { readonly digestsCompared: number; readonly divergences: number };
    }
    const statuses = async (): Promise<(Status | null)[]> => {
      const { stdout } = await mu(home, 'status', '--group', 'kv', '--json');
      const { replicas } = JSON.parse(stdout) as { replicas: { status: Status | null }[] };
      return replicas.map(({ status }) => status);
    };
    let seen = await statuses();
    while (!seen.every((status) => (status?.counters.digestsCompared ?? 0) > 1)) {
      for (let n = 0; n < 8; n++) await put(bases[0], 'large', `${n}`.repeat(60_000));
      seen = await statuses();
    }
    expect(seen.map((status) => status?.counters.divergences)).toEqual([0, 0, 0]);
  });

  // docs/guides/reads.md: any replica answers from what it has applied, whoever else is there.
  it('reads locally, in the order of the log, also where nobody else answers', async () => {
    const local = (base: string, key: string): Promise<Response> =>
      fetch(`${base}/${key}`, { headers: { 'mu-read': 'local' }, redirect: 'error' });
    expect(await put(bases[0], 'near', 'first')).toBe(204);
    for (const base of bases)
      await vi.waitFor(async () => expect(await (await local(base, 'near')).text()).toBe('first'));
    const before = Number((await local(bases[2], 'near')).headers.get('mu-applied'));
    expect(before).toBeGreaterThan(0);
    expect(await put(bases[0], 'near', 'second')).toBe(204);
    await vi.waitFor(async () => expect(await (await local(bases[2], 'near')).text()).toBe('second')); // prettier-ignore
    const after = Number((await local(bases[2], 'near')).headers.get('mu-applied'));
    expect(after).toBeGreaterThan(before);
    for (const id of ['0', '1']) await mu(home, 'pause', id, '--group', 'kv');
    const alone = await local(bases[2], 'near');
    expect([alone.status, await alone.text()]).toEqual([200, 'second']);
    expect((await local(bases[2], 'nowhere')).status).toBe(404);
    for (const id of ['0', '1']) await mu(home, 'resume', id, '--group', 'kv');
    expect(await put(bases[2], 'near', 'third')).toBe(204);
  }, 60_000);

  it('answers 404 to a key that was never written', async () => {
    expect((await fetch(`${bases[0]}/none`)).status).toBe(404);
  });

  it('refuses what it does not do', async () => {
    expect((await fetch(`${bases[0]}/`)).status).toBe(400);
    expect((await fetch(`${bases[0]}/%ff`)).status).toBe(400);
    expect((await fetch(`${bases[0]}/key`, { method: 'DELETE' })).status).toBe(405);
    expect(await put(bases[0], 'long', 'x'.repeat(64 * 1024 + 1))).toBe(413);
  });
});
