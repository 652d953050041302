import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

/** What `COMMAND` of a freshly started redis-server says, and which version it is. */
export async function liveCommands() {
  const directory = mkdtempSync(join(tmpdir(), 'mu-redis-table-'));
  const socket = join(directory, 's');
  const server = spawn('redis-server', [
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--save',
    '',
    '--dir',
    directory,
  ]);
  try {
    for await (const chunk of server.stdout)
      if (/ready to accept connections/i.test(String(chunk))) break;
    const ask = (...args) =>
      execFileSync('redis-cli', ['-s', socket, ...args], { encoding: 'utf8', maxBuffer: 1 << 26 });
    const version = /redis_version:(\S+)/.exec(ask('INFO', 'server'))[1];
    return { version, commands: JSON.parse(ask('--json', 'COMMAND')) };
  } finally {
    server.kill('SIGKILL');
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    rmSync(directory, { recursive: true, force: true });
  }
}
