import { expect } from 'vitest';
import type { BareRedis } from './bare-redis.js';
import { RawClient } from './raw-client.js';
import type { Single } from './redis.js';

/** Asks the same of a bare redis-server and of ours, and expects the same bytes back. */
export async function expectSame(
  bare: BareRedis,
  single: Single,
  script: readonly string[],
  protocol: 2 | 3 = 2,
): Promise<void> {
  const [theirs, ours] = [new RawClient(bare.socketPath), new RawClient(single.port)];
  try {
    // Greetings differ in the client's id.
    for (const each of [theirs, ours]) await each.ask(`HELLO ${protocol}`);
    for (const line of script) {
      const expected = await theirs.ask(line);
      expect(`${line} -> ${await ours.ask(line)}`).toBe(`${line} -> ${expected}`);
    }
  } finally {
    theirs.close();
    ours.close();
  }
}
