import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { crossCheck } from '../src/commands/cross-check.js';
import { commandSpecs, RedisBackend } from '../src/index.js';
import { Request } from '../src/resp/request.js';
import { RawClient } from './support/raw-client.js';
import { startSingle } from './support/redis.js';

describe('RedisBackend', () => {
  it('lets nobody else in', async () => {
    const backend = await RedisBackend.start();
    try {
      expect(statSync(backend.directory).mode & 0o777).toBe(0o700);
      expect(statSync(backend.socketPath).mode & 0o777).toBe(0o700);
      const stranger = new RawClient(backend.socketPath);
      expect(await stranger.ask('GET k')).toMatch(/^-NOAUTH/);
      stranger.close();
    } finally {
      await backend.close();
    }
    expect(existsSync(backend.directory)).toBe(false);
  });

  it('says how to get a redis-server that is missing', async () => {
    const started = RedisBackend.start({ serverPath: '/nowhere/redis-server' });
    await expect(started).rejects.toMatchObject({
      code: 'REDIS_SERVER_MISSING',
      message: expect.stringContaining('apt-get install redis-server'),
    });
  });

  it('refuses another version', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mu-fake-'));
    const serverPath = join(directory, 'redis-server');
    writeFileSync(serverPath, '#!/bin/sh\necho "Redis server v=7.2.4 sha=0"\n');
    chmodSync(serverPath, 0o755);
    await expect(RedisBackend.start({ serverPath })).rejects.toMatchObject({
      code: 'REDIS_SERVER_VERSION',
    });
    rmSync(directory, { recursive: true });
  });

  it('names the commands in which a server differs from our table', () => {
    const live = commandSpecs.map(({ name, arity, flags }) => ({
      name,
      arity,
      flags: flags === '' ? [] : flags.split(' '),
    }));
    crossCheck(live);
    const other = live.filter(({ name }) => name !== 'lcs').map((row) => (row.name === 'get' ? { ...row, arity: 3 } : row)); // prettier-ignore
    expect(() => crossCheck([...other, { name: 'foo', arity: 1, flags: [] }])).toThrow(
      /foo, get, lcs$/,
    );
  });

  it('has redis-server answer only what somebody waits for, in order', async () => {
    const backend = await RedisBackend.start();
    try {
      const { connection } = backend;
      const sentBytes = async () => {
        const stats = (await connection.ask('INFO', 'stats')).toString();
        return Number(/total_net_output_bytes:(\d+)/.exec(stats)?.[1]);
      };
      const before = await sentBytes();
      for (let n = 0; n < 10_000; n++) connection.send(n % 2, Request.of('SET', 'k', n).raw);
      expect((await sentBytes()) - before).toBeLessThan(10_000);

      const replies: string[] = [];
      const sink = { reply: (bytes: Buffer) => void replies.push(bytes.toString()) };
      connection.send(1, Request.of('GET', 'k').raw, sink);
      connection.send(0, Request.of('SET', 'k', 'v').raw);
      connection.speak(3);
      connection.send(0, Request.of('GET', 'k').raw, sink);
      connection.send(2, Request.of('SET', 'k', 'w').raw);
      connection.send(2, Request.of('GET', 'none').raw, sink);
      await connection.ask('PING');
      expect(replies).toEqual(['$4\r\n9999\r\n', '$1\r\nv\r\n', '_\r\n']);
    } finally {
      await backend.close();
    }
  });

  it('never answers again once redis-server has died', async () => {
    await using single = await startSingle();
    const failed = once(single.backend, 'failed');
    const client = new RawClient(single.port);
    await client.ask('SET k v');
    process.kill(single.backend.pid!, 'SIGKILL');
    await failed;
    expect(await client.next()).toBe('closed');
    expect(() =>
      single.stateMachine.apply(new Uint8Array(64), {
        at: 0 as never,
        index: 0,
        count: 1,
        local: false,
      }),
    ).toThrow();
  });

  it('takes its redis-server with it when this process is killed', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'mu-parent-'));
    const program = join(scratch, 'hold-backend.mjs');
    const source = new URL('support/hold-backend.ts', import.meta.url).pathname;
    await build({
      entryPoints: [source],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
    });
    const parent = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const { pid, directory } = JSON.parse(line.toString()) as { pid: number; directory: string };
    expect(isRunning(pid)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await expect.poll(() => isRunning(pid)).toBe(false);
    for (const each of [scratch, directory]) rmSync(each, { recursive: true, force: true });
  });
});

/** A zombie waits for nothing but its parent's notice: it runs no more. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
