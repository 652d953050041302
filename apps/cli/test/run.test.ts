import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { descendants, Home, isAlive, until } from './support/home.ts';
import { Mu } from './support/mu.ts';

const home = new Home();
afterAll(() => home.remove());

/** A server at a port that is free otherwise. */
async function listen(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

describe.each(['redis', 'kv'])('mu run %s', (application) => {
  let directory: string;
  let port: number;
  let server: Server;
  beforeEach(async () => {
    directory = mkdtempSync('/dev/shm/mu-cli-run-');
    ({ server, port } = await listen());
  });
  afterEach(() => {
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Runs replica 0 of a group of that many. */
  function run(replicas: number, ...more: string[]): Mu {
    const config = join(directory, 'cluster.json');
    const clients = [port, 1, 2].slice(0, replicas);
    writeFileSync(
      config,
      JSON.stringify({
        name: 'run',
        fabric: join(directory, 'fabric'),
        secret: 'sixteen characters',
        application,
        replicas: clients.map((client, id) => ({ id, client: `127.0.0.1:${client}` })),
        log: { capacityBytes: 16_777_216 },
      }),
    );
    return new Mu(home, ['run', application, '--config', config, '--id', '0', ...more]);
  }

  function expectNothingLeft(): void {
    expect(existsSync(join(directory, 'fabric'))).toBe(false);
    expect(existsSync(join(directory, 'fabric.redis-0'))).toBe(false);
  }

  it('prints one line when it is ready, and ends with a signal', async () => {
    server.close();
    await once(server, 'close');
    const command = run(1);
    await command.prints(/\n/);
    expect(command.stdout).toBe(`replica 0 serves ${application} clients at 127.0.0.1:${port}\n`);
    const children = descendants(command.pid);
    command.signal('SIGTERM');
    const { status, stderr } = await command.ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(children.filter(({ pid }) => isAlive(pid))).toEqual([]);
    expectNothingLeft();
  });

  it('says that the port for its metrics is in use, and ends', async () => {
    const other = await listen();
    server.close();
    await once(server, 'close');
    const { status, stdout, stderr } = await run(1, '--metrics-port', String(other.port)).ended;
    other.server.close();
    expect(stderr).toBe(
      `mu: cannot serve metrics at port ${other.port} of 127.0.0.1: it is in use [METRICS_PORT]\n`,
    );
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expectNothingLeft();
  });

  it('says that its port is in use, and ends', async () => {
    const { status, stdout, stderr } = await run(1).ended;
    expect(stderr).toMatch(new RegExp(`^mu: .*address already in use 127.0.0.1:${port}.*\n$`));
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expectNothingLeft();
  });

  it('warns of an even number of replicas', async () => {
    const command = run(2);
    await until('it waits for the other', () => existsSync(join(directory, 'fabric/rendezvous-0.sock'))); // prettier-ignore
    const { stderr } = await command.interrupt();
    expect(stderr).toMatch(
      /^warning: an even number of members, 2, bears no more failures than 1: /,
    );
  });

  it('can be interrupted while it waits for the others', async () => {
    const command = run(3);
    await until('it waits for the others', () => existsSync(join(directory, 'fabric/rendezvous-0.sock'))); // prettier-ignore
    const { status, stderr } = await command.interrupt();
    expect(stderr).toBe('mu: interrupted [INTERRUPTED]\n');
    expect(status).toBe(130);
    expectNothingLeft();
  });
});
