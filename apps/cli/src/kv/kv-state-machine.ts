import { createHash } from 'node:crypto';
import type { StateMachine } from '@mu-smr/consensus';

/** A write of the built-in key-value store. */
export interface KvWrite {
  readonly key: string;
  readonly value: string;
}

/** Answer to every write. */
const NOTHING = new Uint8Array(0);

export function encodeWrite(write: KvWrite): Uint8Array {
  return Buffer.from(JSON.stringify([write.key, write.value]));
}

/** What `encodeWrite` made. */
export function decodeWrite(command: Uint8Array): KvWrite {
  const [key, value] = JSON.parse(Buffer.from(command).toString()) as [string, string];
  return { key, value };
}

/** The smallest application there is: a map of strings, replicated. For machines without redis-server. */
export class KvStateMachine implements StateMachine<Uint8Array> {
  readonly #entries = new Map<string, string>();

  get(key: string): string | undefined {
    return this.#entries.get(key);
  }

  /** SHA-256 over everything it holds, in the order in which keys were first written: the same at equal replicas. */
  digest(): string {
    return createHash('sha256')
      .update(JSON.stringify([...this.#entries]))
      .digest('hex');
  }

  apply(command: Uint8Array): Uint8Array {
    const { key, value } = decodeWrite(command);
    this.#entries.set(key, value);
    return NOTHING;
  }

  snapshot(): Iterable<Uint8Array> {
    return [Buffer.from(JSON.stringify([...this.#entries]))];
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    this.#entries.clear();
    for (const [key, value] of JSON.parse(Buffer.concat(parts).toString()) as [string, string][])
      this.#entries.set(key, value);
  }
}
