import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, stopRedis, type RedisProcess } from '../../src/backend/redis-process.js';

/** A redis-server with nothing of ours in front of it: the oracle. */
export class BareRedis {
  readonly directory: string;
  readonly #process: RedisProcess;

  constructor(directory: string, process: RedisProcess) {
    this.directory = directory;
    this.#process = process;
  }

  get socketPath(): string {
    return join(this.directory, 's');
  }

  async close(): Promise<void> {
    await stopRedis(this.#process);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export async function startBareRedis(...config: string[]): Promise<BareRedis> {
  const directory = mkdtempSync(join(tmpdir(), 'mu-bare-'));
  const lines = ['port 0', `unixsocket ${directory}/s`, `dir ${directory}`, 'save ""', ...config];
  return new BareRedis(directory, await startRedis('redis-server', `${lines.join('\n')}\n`));
}
