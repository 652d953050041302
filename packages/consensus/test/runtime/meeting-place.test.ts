import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Replica } from '../../dist/index.js';
import { placesOf, type MeetingPlace } from '../../src/runtime/meeting-place.ts';
import { Rendezvous } from '../../src/runtime/rendezvous.ts';
import { Journal } from './group.ts';

const endpoint = { provider: 'ibverbs', address: 'roce/0/5/00', queuePairNumber: 17 } as const;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function twoPlaces(): Promise<MeetingPlace[]> {
  const rendezvous = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  return placesOf({ kind: 'ibverbs', device: 'rxe0', connection: {}, rendezvous }, 2);
}

function member(
  self: number,
  places: readonly MeetingPlace[],
  secret = 'shared',
  capacityBytes = 1,
): Rendezvous {
  return new Rendezvous({
    self,
    replicas: 2,
    places,
    secret,
    agreement: { capacityBytes },
    offerTo: (peer) => ({
      replication: { outgoing: endpoint, incoming: endpoint, logKey: 10 * self + peer },
      background: { endpoint, scratchKey: 3 },
    }),
  });
}

/** What both say when they meet. */
async function meet(...both: Rendezvous[]): Promise<PromiseSettledResult<unknown>[]> {
  try {
    return await Promise.allSettled(both.map((one) => one.meet(AbortSignal.timeout(3000))));
  } finally {
    for (const one of both) one.close();
  }
}

describe('the rendezvous over TCP', () => {
  it('exchanges endpoints and keys', async () => {
    const places = await twoPlaces();
    const both = [member(0, places), member(1, places)];
    const [first, second] = await Promise.all(
      both.map((one) => one.meet(AbortSignal.timeout(3000))),
    );
    expect(first.get(1)?.replication).toEqual({
      outgoing: endpoint,
      incoming: endpoint,
      logKey: 10,
    });
    expect(second.get(0)?.replication.logKey).toBe(1);
    for (const one of both) one.close();
  });

  it('refuses another secret, and another configuration with both values', async () => {
    let places = await twoPlaces();
    const strangers = await meet(member(0, places), member(1, places, 'guessed'));
    expect(JSON.stringify(strangers.map((one) => (one as PromiseRejectedResult).reason))).toContain(
      'NOT_AUTHENTICATED',
    );
    places = await twoPlaces();
    const different = await meet(member(0, places), member(1, places, 'shared', 2));
    const reasons = different.map((one) => String((one as PromiseRejectedResult).reason));
    expect(reasons.join()).toMatch(/capacityBytes: [12] here, [12] there/);
  });

  it('says which address cannot be listened at', async () => {
    const places = placesOf(
      // TEST-NET-1 (RFC 5737): no machine has it.
      { kind: 'ibverbs', device: 'x', connection: {}, rendezvous: ['192.0.2.1:7100'] },
      1,
    );
    const [refused] = await meet(member(0, places));
    expect(String((refused as PromiseRejectedResult).reason)).toMatch(
      /cannot listen at 192\.0\.2\.1:7100: .*EADDRNOTAVAIL/,
    );
  });
});

describe('options of a group over RDMA', () => {
  it('are refused where they do not fit', () => {
    const make = (rendezvous: string[]) =>
      new Replica({
        id: 0,
        replicas: 3,
        group: 'test',
        secret: 'shared',
        stateMachine: new Journal(),
        ibverbs: { device: 'rxe0', rendezvous },
      });
    expect(() => make(['a:1', 'b:2'])).toThrow('2 addresses for 3 replicas');
    expect(() => make(['a:1', 'b:2', 'c'])).toThrow('ibverbs.rendezvous.2: must be host:port');
  });
});
