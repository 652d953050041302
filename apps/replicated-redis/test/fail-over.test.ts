import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

const MAIN = new URL('../dist/main.js', import.meta.url).pathname;

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function startReplica(config: string, id: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [MAIN, '--config', config, '--id', String(id)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const chunk of child.stdout) if (String(chunk).includes('serves Redis')) break;
  return child;
}

/** One inline command over a connection of its own: its reply, or `closed`. */
async function ask(port: number, line: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve('closed')));
  const reply = new Promise<string>((resolve) =>
    socket.once('data', (bytes) => resolve(String(bytes))),
  );
  socket.write(`${line}\r\n`);
  const answer = await Promise.race([reply, closed]);
  socket.destroy();
  return answer;
}

describe('three replicas over shared memory', () => {
  const directory = mkdtempSync('/dev/shm/mu-fail-over-');
  const children: ChildProcess[] = [];

  afterEach(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(directory, { recursive: true, force: true });
  });

  it('keep what was acknowledged when the leader is killed, and go on', async () => {
    const ports = [await freePort(), await freePort(), await freePort()];
    const config = join(directory, 'cluster.json');
    const replicas = ports.map((port, id) => ({ id, client: `127.0.0.1:${port}` }));
    const cluster = { name: 'fail-over', fabric: join(directory, 'fabric'), secret: 'sixteen characters', application: 'redis', replicas, log: { capacityBytes: 16 * 1024 * 1024 } }; // prettier-ignore
    writeFileSync(config, JSON.stringify(cluster));
    children.push(...(await Promise.all(replicas.map(({ id }) => startReplica(config, id)))));

    // Any replica takes any client; at first nobody may lead yet.
    await expect.poll(() => ask(ports[2], 'SET before 1')).toBe('+OK\r\n');
    expect(await ask(ports[0], 'GET before')).toBe('$1\r\n1\r\n');
    expect(await ask(ports[1], 'INFO mu')).toContain('mu_confirmed_followers');

    const leader = Number(/mu_leader:(\d)/.exec(await ask(ports[1], 'INFO mu'))![1]);
    children[leader].kill('SIGKILL');
    const left = ports.filter((_, id) => id !== leader);
    await expect.poll(() => ask(left[0], 'SET after 1'), { timeout: 10_000 }).toBe('+OK\r\n');
    expect(await ask(left[1], 'MGET before after')).toBe('*2\r\n$1\r\n1\r\n$1\r\n1\r\n');

    for (const child of children.filter((_, id) => id !== leader)) {
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([0, null]);
    }
  });
});
