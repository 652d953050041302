import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '@mu-smr/simulation';
import type { History } from './history.ts';
import { KvClient } from './kv-client.ts';

/** After a refusal: whoever asks again at once only keeps the processors from the election. */
const REFUSED_PAUSE_MS = 5;

/** Clients that read and write a few keys, each at a time one request, and record what they see. */
export class ChaosClients {
  readonly #history: History;
  readonly #addresses: readonly string[];
  readonly #keys: readonly string[];
  readonly #running: Promise<void>[];
  #values = 0;
  #stopped = false;

  constructor(
    history: History,
    addresses: readonly string[],
    keys: readonly string[],
    randoms: readonly Random[],
  ) {
    this.#history = history;
    this.#addresses = addresses;
    this.#keys = keys;
    this.#running = randoms.map((random) => this.#run(random));
  }

  /** Resolves when each has its last answer. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #run(random: Random): Promise<void> {
    const client = new KvClient();
    let address = random.pick(this.#addresses);
    while (!this.#stopped) {
      const done = await this.#operate(client, address, random);
      if (done) continue;
      address = random.pick(this.#addresses);
      await sleep(REFUSED_PAUSE_MS);
    }
    client.close();
  }

  /** One operation; false when it was not done for certain. */
  async #operate(client: KvClient, address: string, random: Random): Promise<boolean> {
    const key = random.pick(this.#keys);
    const written = random.chance(0.5) ? `${++this.#values}` : undefined;
    const kind = written === undefined ? 'read' : 'write';
    const begin = performance.now();
    const answer = await client.call(address, key, written);
    const end = performance.now();
    if (answer.kind === 'done') this.#history.add({ kind, key, value: answer.value, begin, end });
    // A read whose answer was lost says nothing about anything.
    else if (answer.kind === 'unknown' && written !== undefined)
      this.#history.add({ kind, key, value: written, begin, end: Infinity });
    return answer.kind === 'done';
  }
}
