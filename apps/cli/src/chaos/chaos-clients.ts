import { setTimeout as sleep } from 'node:timers/promises';
import { Session, type SessionAttempt, type SessionRequest } from '@mu-smr/consensus';
import type { Random } from '@mu-smr/simulation';
import { encodeWrite } from '../kv/kv-state-machine.ts';
import type { History } from './history.ts';
import { KvClient } from './kv-client.ts';

/** After a refusal: whoever asks again at once only keeps the processors from the election. */
const REFUSED_PAUSE_MS = 5;
/** How long a client with a session insists on one write. */
const INSIST_MS = 10_000;
/** Chance that the last write of a session arrives once more, long after it was answered. */
const BELATED = 0.1;

/** What a client does for a write: how it ended, in the words of its history. */
type Write = (key: string, value: string) => Promise<'done' | 'refused' | 'unknown'>;

/**
 * Clients that read and write a few keys, each at a time one request, and record what they see. Every
 * other one writes in a session, and asks again when an outcome is unknown: a write that were done twice
 * would bring back a value that another has replaced.
 */
export class ChaosClients {
  readonly #history: History;
  readonly #addresses: () => readonly string[];
  readonly #keys: readonly string[];
  readonly #running: Promise<void>[];
  #values = 0;
  #stopped = false;

  constructor(
    history: History,
    addresses: () => readonly string[],
    keys: readonly string[],
    randoms: readonly Random[],
  ) {
    this.#history = history;
    this.#addresses = addresses;
    this.#keys = keys;
    this.#running = randoms.map((random, n) => this.#run(random, n % 2 === 0));
  }

  /** Resolves when each has its last answer. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #run(random: Random, numbers: boolean): Promise<void> {
    const client = new KvClient();
    let address = random.pick(this.#addresses());
    const write: Write = numbers
      ? this.#insistent(client, random)
      : async (key, value) => (await client.call(address, key, value)).kind;
    while (!this.#stopped) {
      const done = random.chance(0.5)
        ? await this.#write(random.pick(this.#keys), write)
        : await this.#read(client, address, random.pick(this.#keys));
      if (done) continue;
      address = random.pick(this.#addresses());
      await sleep(REFUSED_PAUSE_MS);
    }
    client.close();
  }

  /** False when it was not done for certain. */
  async #write(key: string, write: Write): Promise<boolean> {
    const value = `${++this.#values}`;
    const begin = performance.now();
    const answer = await write(key, value);
    const end = answer === 'done' ? performance.now() : Infinity;
    if (answer !== 'refused') this.#history.add({ kind: 'write', key, value, begin, end });
    return answer === 'done';
  }

  async #read(client: KvClient, address: string, key: string): Promise<boolean> {
    const begin = performance.now();
    const answer = await client.call(address, key);
    const end = performance.now();
    // A read whose answer was lost says nothing about anything.
    if (answer.kind === 'done')
      this.#history.add({ kind: 'read', key, value: answer.value, begin, end });
    return answer.kind === 'done';
  }

  /** Writes in a session, which is opened with the first and when the last one has expired. */
  #insistent(client: KvClient, random: Random): Write {
    let session: Session | undefined;
    let attempts = 0;
    let last: SessionRequest | undefined;
    const attempt: SessionAttempt = (request) => {
      attempts++;
      last = request;
      return client.attempt(random.pick(this.#addresses()), request);
    };
    return async (key, value) => {
      const signal = AbortSignal.timeout(INSIST_MS);
      try {
        session ??= await Session.open(attempt, { signal });
      } catch {
        return 'refused';
      }
      // Others have written since: done twice, it would undo that.
      if (last?.kind === 'numbered' && random.chance(BELATED)) await attempt(last, signal);
      attempts = 0;
      try {
        await session.call(encodeWrite({ key, value }), signal);
        return 'done';
      } catch {
        session = undefined;
        return 'unknown';
      } finally {
        this.#history.retries += Math.max(0, attempts - 1);
      }
    };
  }
}
