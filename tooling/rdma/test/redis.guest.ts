import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './group.ts';

const REPLICAS = 3;
const FIRST_CLIENT_PORT = 7379;

let running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running = [];
});

/** The command as a user starts it, on one replica's device. */
async function startReplica(config: string, id: number): Promise<ChildProcess> {
  const mu = join(process.cwd(), 'apps/cli/bin/mu.js');
  const fabric = `ibverbs:rxe${id}:1:1`;
  const args = ['run', 'redis', '--config', config, '--id', String(id), '--fabric', fabric];
  const child = spawn(process.execPath, [mu, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  expect(line.toString()).toContain(`replica ${id} serves redis clients`);
  return child;
}

/** Sends one command, and returns the reply as it came; empty when the connection ended first. */
function redis(id: number, command: string): Promise<string> {
  return new Promise((resolve) => {
    const socket: Socket = createConnection(FIRST_CLIENT_PORT + id, '127.0.0.1');
    socket.setEncoding('utf8');
    socket.once('data', (reply) => {
      socket.destroy();
      resolve(String(reply));
    });
    socket.once('error', () => resolve(''));
    socket.once('close', () => resolve(''));
    socket.write(`${command}\r\n`);
  });
}

describe('the replicated Redis over Soft-RoCE', () => {
  it('answers a read of what was written before its leader was killed', async () => {
    const directory = mkdtempSync('/dev/shm/mu-guest-');
    const config = join(directory, 'cluster.json');
    const replicas = Array.from({ length: REPLICAS }, (_, id) => ({
      id,
      client: `127.0.0.1:${FIRST_CLIENT_PORT + id}`,
      rendezvous: `127.0.0.1:${7200 + id}`,
    }));
    writeFileSync(
      config,
      JSON.stringify({
        name: 'guest',
        fabric: join(directory, 'fabric'),
        secret: 'known to all three of them',
        application: 'redis',
        replicas,
        log: { capacityBytes: 4 << 20 },
      }),
    );
    const members = await Promise.all(replicas.map(({ id }) => startReplica(config, id)));

    let leader = -1;
    await until(
      () => 'a write is acknowledged',
      async () => {
        for (const { id } of replicas)
          if ((await redis(id, 'SET key of-the-old-leader')) === '+OK\r\n') leader = id;
        return leader >= 0;
      },
    );
    const exited = once(members[leader], 'exit');
    members[leader].kill('SIGKILL');
    await exited;
    const survivors = replicas.filter(({ id }) => id !== leader);
    const replies: string[] = [];
    await until(
      () => `a survivor answers the read: ${JSON.stringify(replies)}`,
      async () => {
        replies.length = 0;
        for (const { id } of survivors) replies.push(await redis(id, 'GET key'));
        return replies.includes('$17\r\nof-the-old-leader\r\n');
      },
    );
  }, 120_000);
});
