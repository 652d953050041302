import { createConnection, createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shakeHands, type Greeting } from '../../src/runtime/handshake.ts';
import { JsonLines } from '../../src/runtime/json-lines.ts';

const path = join(tmpdir(), `mu-handshake-${process.pid}.sock`);
const server = createServer();

beforeAll(async () => {
  server.listen(path);
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
  rmSync(path, { force: true });
});

/** Shakes hands with a stranger who sends these lines, whatever it is told, and leaves. */
async function shakeHandsWith(lines: readonly string[]): Promise<unknown> {
  const accepted = once(server, 'connection');
  const stranger = createConnection(path);
  stranger.on('error', () => undefined);
  const [socket] = (await accepted) as [Socket];
  stranger.end(lines.map((line) => `${line}\n`).join(''));
  const greeting = (): Greeting => {
    throw new Error('a stranger was told of this replica');
  };
  const options = { self: 1, secret: 'not to be guessed', agreement: { protocol: 1 }, greeting };
  return shakeHands(new JsonLines(socket), options)
    .then(
      () => 'it was let in',
      (error: unknown) => error,
    )
    .finally(() => stranger.destroy());
}

const nonce = fc.string({ minLength: 32, maxLength: 32, unit: 'binary' });
const hello = fc.record({ id: fc.integer({ min: -1, max: 20 }), nonce });
/** Of 64 characters, which may be more bytes. */
const proof = fc.record({ proof: fc.string({ minLength: 64, maxLength: 64, unit: 'binary' }) });
const agreement = fc.record({ agreement: fc.dictionary(fc.string(), fc.integer()) });
const message = fc.oneof(
  hello,
  proof,
  agreement,
  fc.json().map((text) => JSON.parse(text) as unknown),
);

// Whoever does not know the secret is refused, and nothing that it sends does anything else.
describe('the rendezvous with a stranger', () => {
  it('refuses everything that is no handshake, with an error that says so', async () => {
    await fc.assert(
      fc.asyncProperty(
        hello,
        proof,
        fc.array(message, { maxLength: 3 }),
        async (first, next, rest) => {
          const lines = [first, next, ...rest].map((each) => JSON.stringify(each));
          const refused = await shakeHandsWith(lines);
          expect(refused).toMatchObject({ name: 'ConsensusError' });
          expect((refused as { code: string }).code).toMatch(/NOT_AUTHENTICATED|RENDEZVOUS_FAILED/);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('survives any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }), async (lines) => {
        const refused = await shakeHandsWith(lines);
        expect(refused).toBeInstanceOf(Error);
        expect((refused as Error).message).toMatch(/rendezvous|closed the connection/);
      }),
      { numRuns: 200 },
    );
  });
});
