import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crossCheck } from '../commands/cross-check.js';
import { RedisAdapterError } from '../errors.js';
import { EXPIRE_SCRIPT, STREAM_ID_SCRIPT } from '../ttl/expire-script.js';
import { textOf } from '../resp/reply.js';
import { BackendConnection } from './backend-connection.js';
import { parseCommandReply } from './command-reply.js';
import { checkServerVersion, startRedis, stopRedis, type RedisProcess } from './redis-process.js';

export interface RedisBackendOptions {
  /** The redis-server to run. Default: `redis-server` of the PATH. */
  readonly serverPath?: string;
  /** A directory of our own for its socket; emptied at start. Default: a new temporary one. */
  readonly directory?: string;
  /** Number of databases. Default: 16. */
  readonly databaseCount?: number;
  /** Redis's `proto-max-bulk-len`; at least 1 MiB. Default: 1 MiB. */
  readonly bulkBytesMax?: number;
}

export interface RedisScripts {
  readonly expire: string;
  readonly streamId: string;
}

/**
 * The replica's own redis-server: a child process on a Unix socket that nobody else can reach.
 *
 * Emits `failed` once when it is lost; a replica without its backend must stop.
 */
export class RedisBackend extends EventEmitter<{ failed: [error: Error] }> {
  readonly databaseCount: number;
  readonly bulkBytesMax: number;
  readonly directory: string;
  readonly socketPath: string;
  readonly password = randomBytes(24).toString('hex');
  /** SHA-1 of our scripts, loaded at each start. */
  scripts: RedisScripts = { expire: '', streamId: '' };
  readonly #serverPath: string;
  #process: RedisProcess | undefined;
  #connection: BackendConnection | undefined;
  #closing = false;

  private constructor(options: RedisBackendOptions) {
    super();
    this.#serverPath = options.serverPath ?? 'redis-server';
    this.databaseCount = options.databaseCount ?? 16;
    this.bulkBytesMax = Math.max(options.bulkBytesMax ?? 0, 1024 * 1024);
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'mu-redis-'));
    this.socketPath = join(this.directory, 'redis.sock');
  }

  static async start(options: RedisBackendOptions = {}): Promise<RedisBackend> {
    checkServerVersion(options.serverPath ?? 'redis-server');
    const backend = new RedisBackend(options);
    try {
      rmSync(backend.directory, { recursive: true, force: true });
      mkdirSync(backend.directory, { recursive: true, mode: 0o700 });
      // The mode of mkdir is subject to the umask and void for what existed.
      chmodSync(backend.directory, 0o700);
      await backend.#launch();
      return backend;
    } catch (error) {
      await backend.close();
      throw error;
    }
  }

  /**
   * Where commands go; replaced when a snapshot is restored.
   *
   * @internal
   */
  get connection(): BackendConnection {
    if (this.#connection === undefined) {
      throw new RedisAdapterError('BACKEND_LOST', 'redis-server is not running');
    }
    return this.#connection;
  }

  /** Process id of redis-server, while it runs. */
  get pid(): number | undefined {
    return this.#process?.child.pid;
  }

  /** Where a dataset must lie for `restart` to load it. */
  get dumpPath(): string {
    return join(this.directory, 'dump.rdb');
  }

  /** Starts redis-server anew from the file at `dumpPath`. */
  async restart(): Promise<void> {
    const old = this.#process;
    this.#process = undefined;
    this.#connection?.close();
    this.#connection = undefined;
    if (old !== undefined) await stopRedis(old);
    await this.#launch();
    rmSync(this.dumpPath, { force: true });
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#connection?.close();
    if (this.#process !== undefined) await stopRedis(this.#process);
    this.#process = undefined;
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #launch(): Promise<void> {
    const started = await startRedis(this.#serverPath, this.#config());
    this.#process = started;
    void started.ended.then((why) => {
      if (this.#process === started) this.#fail(new RedisAdapterError('REDIS_SERVER_EXITED', why));
    });
    const connection = await BackendConnection.open(this.socketPath, this.password, (error) =>
      this.#fail(error),
    );
    this.#connection = connection;
    crossCheck(parseCommandReply(await connection.ask('COMMAND')));
    this.scripts = {
      expire: textOf(await connection.ask('SCRIPT', 'LOAD', EXPIRE_SCRIPT))!,
      streamId: textOf(await connection.ask('SCRIPT', 'LOAD', STREAM_ID_SCRIPT))!,
    };
  }

  #fail(error: Error): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#connection?.close();
    this.emit('failed', error);
  }

  // No persistence, no eviction, no other way in: the log alone decides what the state is.
  #config(): string {
    return [
      'port 0',
      `unixsocket "${this.socketPath}"`,
      'unixsocketperm 700',
      `requirepass ${this.password}`,
      `dir "${this.directory}"`,
      'dbfilename dump.rdb',
      'save ""',
      'appendonly no',
      'maxmemory 0',
      'maxmemory-policy noeviction',
      'activedefrag no',
      `databases ${this.databaseCount}`,
      `proto-max-bulk-len ${this.bulkBytesMax}`,
      'repl-diskless-sync yes',
      'repl-diskless-sync-delay 0',
      'client-output-buffer-limit replica 0 0 0',
      'client-output-buffer-limit normal 0 0 0',
      'timeout 0',
      'daemonize no',
      '',
    ].join('\n');
  }
}
