import { Redis } from 'ioredis';

/** How one write ended, as an honest client sees it. */
export type WriteOutcome = 'acknowledged' | 'refused' | 'unknown';

/** The demonstration's view of a replicated store, whichever it is. */
export interface StoreClient {
  write(key: string, value: string): Promise<WriteOutcome>;
  read(key: string): Promise<string | undefined>;
  close(): void;
}

/** How long one call may take before it counts as unknown. */
const CALL_TIMEOUT_MS = 1000;

/** An unmodified ioredis at one replica. */
export class RedisStoreClient implements StoreClient {
  readonly #redis: Redis;

  constructor(address: string) {
    const [host, port] = address.split(':');
    this.#redis = new Redis(Number(port), host, {
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      lazyConnect: true,
      commandTimeout: CALL_TIMEOUT_MS,
      // Else a connection that is closed already keeps us for two seconds.
      disconnectTimeout: 50,
      retryStrategy: () => 20,
    });
    // Every failure is also told to the call that it fails.
    this.#redis.on('error', () => undefined);
  }

  async write(key: string, value: string): Promise<WriteOutcome> {
    try {
      await this.#connected();
    } catch {
      return 'refused';
    }
    try {
      return (await this.#redis.set(key, value)) === 'OK' ? 'acknowledged' : 'refused';
    } catch (error) {
      // An error reply that says "not done" is a refusal; anything else may have happened.
      return /READONLY|CLUSTERDOWN/.test((error as Error).message) ? 'refused' : 'unknown';
    }
  }

  async read(key: string): Promise<string | undefined> {
    await this.#connected();
    return (await this.#redis.get(key)) ?? undefined;
  }

  close(): void {
    this.#redis.disconnect();
  }

  async #connected(): Promise<void> {
    if (this.#redis.status === 'ready') return;
    if (this.#redis.status === 'wait' || this.#redis.status === 'end') await this.#redis.connect();
    else throw new Error('not connected');
  }
}

/** The built-in key-value store over HTTP. */
export class KvStoreClient implements StoreClient {
  readonly #base: string;

  constructor(address: string) {
    this.#base = `http://${address}`;
  }

  async write(key: string, value: string): Promise<WriteOutcome> {
    try {
      const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
      const response = await fetch(`${this.#base}/${key}`, { method: 'PUT', body: value, signal });
      if (response.status === 204) return 'acknowledged';
      return response.status === 503 ? 'refused' : 'unknown';
    } catch {
      return 'unknown';
    }
  }

  async read(key: string): Promise<string | undefined> {
    const response = await fetch(`${this.#base}/${key}`, {
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw new Error(`HTTP ${response.status}`);
    return response.text();
  }

  close(): void {
    // Connections are fetch's own, and time out by themselves.
  }
}
