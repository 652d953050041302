import { createServer, createConnection } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Replica, type ReplicaOptions } from '../../dist/index.js';
import { firstDifference } from '../../src/runtime/handshake.ts';
import { Journal, temporaryFabric } from './group.ts';

function options(
  fabric: string,
  id: number,
  more: Partial<ReplicaOptions<number>> = {},
): ReplicaOptions<number> {
  return {
    id,
    replicas: 2,
    group: 'test',
    secret: 'shared',
    fabric,
    stateMachine: new Journal(),
    ...more,
  };
}

/** Starts both, expects that neither comes up, and returns why. */
async function bothRefuse(first: Replica<number>, second: Replica<number>): Promise<string[]> {
  const results = await Promise.allSettled([
    first.start({ deadlineMs: 5000 }),
    second.start({ deadlineMs: 5000 }),
  ]);
  return results.map((result) => {
    expect(result.status).toBe('rejected');
    const { code, message } = (result as PromiseRejectedResult).reason as {
      code: string;
      message: string;
    };
    return `${code}: ${message}`;
  });
}

describe('the rendezvous', () => {
  it('names the replica that did not come', async () => {
    const fabric = temporaryFabric();
    const replica = new Replica(options(fabric.path, 0));
    await expect(replica.start({ deadlineMs: 300 })).rejects.toMatchObject({
      code: 'PEER_MISSING',
      message: 'replica 0 waited in vain for 1',
    });
    fabric.remove();
  });

  it('refuses a peer that does not know the secret', async () => {
    const fabric = temporaryFabric();
    const problems = await bothRefuse(
      new Replica(options(fabric.path, 0)),
      new Replica(options(fabric.path, 1, { secret: 'guessed' })),
    );
    expect(problems.join('\n')).toMatch(/NOT_AUTHENTICATED/);
    fabric.remove();
  });

  it('refuses another configuration, with both values', async () => {
    const fabric = temporaryFabric();
    const geometry = { capacityBytes: 8 * 1024 * 1024 };
    const problems = await bothRefuse(
      new Replica(options(fabric.path, 0)),
      new Replica(options(fabric.path, 1, { geometry })),
    );
    expect(problems.join('\n')).toMatch(
      /CONFIG_MISMATCH.*log\.capacityBytes: (8388608|16777216) here, (8388608|16777216) there/,
    );
    fabric.remove();
  });

  it('refuses a second replica with the same id', async () => {
    const fabric = temporaryFabric();
    const first = new Replica(options(fabric.path, 0, { replicas: 1 }));
    await first.start();
    const second = new Replica(options(fabric.path, 0, { replicas: 1 }));
    await expect(second.start()).rejects.toMatchObject({ code: 'RENDEZVOUS_FAILED' });
    await first.close();
    fabric.remove();
  });

  it('survives garbage on its socket', async () => {
    const fabric = temporaryFabric();
    const abort = new AbortController();
    const started = new Replica(options(fabric.path, 1)).start({ signal: abort.signal });
    let ended = false;
    const over = started.catch(() => (ended = true));
    await new Promise<void>((resolve) => {
      const attempt = (): void => {
        const socket = createConnection(`${fabric.path}/rendezvous-1.sock`);
        socket.once('error', () => setImmediate(attempt));
        socket.once('connect', () => {
          socket.write('not json\n');
          socket.resume();
          socket.once('close', () => resolve());
        });
      };
      attempt();
    });
    // The replica goes on waiting for the one that is missing.
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    abort.abort();
    await over;
    await expect(started).rejects.toBeDefined();
    fabric.remove();
  });

  it('can be called off', async () => {
    const fabric = temporaryFabric();
    const abort = new AbortController();
    const started = new Replica(options(fabric.path, 0)).start({ signal: abort.signal });
    abort.abort();
    await expect(started).rejects.toBeDefined();
    fabric.remove();
  });
});

describe('firstDifference', () => {
  it('names a value that only one side has', () => {
    expect(firstDifference({ a: 1 }, { a: 1, b: 2 })).toBe('b: undefined here, 2 there');
    expect(firstDifference({ a: 1 }, { a: 1 })).toBeUndefined();
  });
});

describe('options', () => {
  it('are refused with the name of what is wrong', () => {
    const refused = (more: Partial<ReplicaOptions<number>>): string => {
      try {
        void new Replica(options('/dev/shm/unused', 0, more));
      } catch (error) {
        return (error as Error).message;
      }
      return 'accepted';
    };
    expect(refused({ id: -1 })).toMatch(/^id:/);
    expect(refused({ id: 2 })).toBe('id 2 in a group of 2 replicas with room for 2');
    expect(refused({ group: 'a/b' })).toMatch(/^group:/);
    expect(refused({ secret: '' })).toMatch(/^secret:/);
    expect(refused({ geometry: { capacityBytes: 1000 } })).toMatch(/capacityBytes/);
  });
});

// Keeps the import of a server honest: an unrelated process at the socket's path is not removed.
describe('a socket that answers', () => {
  it('is not taken over', async () => {
    const fabric = temporaryFabric();
    const first = new Replica(options(fabric.path, 0, { replicas: 1 }));
    await first.start();
    await first.close();
    const server = createServer();
    const { mkdirSync } = await import('node:fs');
    mkdirSync(fabric.path, { recursive: true, mode: 0o700 });
    await new Promise<void>((resolve) =>
      server.listen(`${fabric.path}/rendezvous-0.sock`, resolve),
    );
    const second = new Replica(options(fabric.path, 0, { replicas: 1 }));
    await expect(second.start()).rejects.toMatchObject({ code: 'RENDEZVOUS_FAILED' });
    await new Promise((closed) => server.close(closed));
    fabric.remove();
  });
});
