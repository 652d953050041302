import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { RedisAdapterError } from '../errors.js';

/** A redis-server child of this process. */
export interface RedisProcess {
  readonly child: ChildProcess;
  /** Resolves when the child has ended, with why. */
  readonly ended: Promise<string>;
}

/** Refuses what is not redis-server 7.0, before anything is started. */
export function checkServerVersion(binary: string): void {
  const asked = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  if (asked.error !== undefined) throw serverMissing(binary, asked.error);
  const version = /v=(\d+\.\d+\.\d+)/.exec(asked.stdout)?.[1];
  if (version?.startsWith('7.0.') === true) return;
  throw new RedisAdapterError(
    'REDIS_SERVER_VERSION',
    `${binary} is version ${version ?? 'unknown'}; mu-redis is made for 7.0 (Debian 12 has 7.0.15)`,
  );
}

/**
 * Starts redis-server and resolves once it accepts connections.
 *
 * The kernel kills it when this process dies, even of SIGKILL: `setpriv` sets the parent-death
 * signal and becomes redis-server. The configuration goes through stdin, where `ps` shows no password.
 */
export async function startRedis(binary: string, config: string): Promise<RedisProcess> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', binary, '-'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // The order of strings must not depend on where a replica runs.
    env: { ...process.env, LC_ALL: 'C' },
  });
  const failed = once(child, 'error').then(([error]: Error[]) => {
    throw serverMissing('setpriv (of util-linux)', error);
  });
  let output = '';
  const ended = once(child, 'exit').then(
    ([code, signal]) => `redis-server ended (${signal ?? `status ${code}`}): ${lastLines(output)}`,
    (error: Error) => error.message,
  );
  const ready = new Promise<void>((resolve) => {
    const listen = (chunk: Buffer) => {
      // Redis logs little; only the end of it may be needed, to say why it died.
      output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX);
      if (/ready to accept connections/i.test(output)) resolve();
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
  });
  // A server that dies before it has read its configuration says why through `ended`.
  child.stdin.on('error', () => undefined);
  child.stdin.end(config);

  const died = ended.then((why) => {
    throw new RedisAdapterError('REDIS_SERVER_EXITED', why);
  });
  await Promise.race([ready, failed, died]);
  died.catch(() => undefined);
  failed.catch(() => undefined);
  return { child, ended };
}

export async function stopRedis({ child, ended }: RedisProcess): Promise<void> {
  // Nothing is to be saved: the log is the truth.
  child.kill('SIGKILL');
  await ended;
}

function serverMissing(binary: string, cause: Error): RedisAdapterError {
  return new RedisAdapterError(
    'REDIS_SERVER_MISSING',
    `cannot run ${binary}: install it with "apt-get install redis-server", or name it with serverPath`,
    { cause },
  );
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-5).join(' | ');
}

const OUTPUT_CHARACTERS_MAX = 16 * 1024;
