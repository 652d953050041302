import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { Replica } from '../../dist/index.js';
import { exchangeOffers, type Greeting, type PeerOffer } from '../../src/runtime/handshake.ts';
import { placesOf, type MeetingPlace } from '../../src/runtime/meeting-place.ts';
import { Rendezvous, type Guest } from '../../src/runtime/rendezvous.ts';
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

/** A rendezvous, and what came of it. */
class Side {
  readonly guests: Guest[] = [];
  readonly problems: string[] = [];
  readonly rendezvous: Rendezvous;

  constructor(self: number, places: readonly MeetingPlace[], secret = 'shared', capacityBytes = 1) {
    const greeting = (): Greeting => ({
      incarnation: 100 + self,
      phase: 'founding',
      wants: 'meet',
      leads: false,
      open: false,
    });
    this.rendezvous = new Rendezvous({
      self,
      places,
      secret,
      agreement: { capacityBytes },
      greeting,
      called: (guest) => this.guests.push(guest),
      disagreed: (error) => this.problems.push(error.message),
    });
  }

  async call(peer: number): Promise<void> {
    try {
      const guest = await this.rendezvous.call(peer, 'meet');
      if (guest !== undefined) this.guests.push(guest);
    } catch (error) {
      this.problems.push(String(error));
    }
  }
}

/** Has the first call the second. */
async function meet(first: Side, second: Side): Promise<void> {
  await second.rendezvous.listen();
  await first.call(1);
  first.rendezvous.close();
  second.rendezvous.close();
}

describe('the rendezvous over TCP', () => {
  it('tells each who the other is, and then how to connect', async () => {
    const places = await twoPlaces();
    const [first, second] = [new Side(0, places), new Side(1, places)];
    await second.rendezvous.listen();
    await first.call(1);
    expect(first.guests[0]).toMatchObject({ peer: 1, greeting: { incarnation: 101 } });
    await vi.waitFor(() =>
      expect(second.guests[0]).toMatchObject({ peer: 0, greeting: { incarnation: 100 } }),
    );
    const offer = (logKey: number): PeerOffer => ({
      replication: { outgoing: endpoint, incoming: endpoint, logKey },
      background: { endpoint, scratchKey: 3 },
    });
    const told = await Promise.all([
      exchangeOffers(first.guests[0].lines, offer(10)),
      exchangeOffers(second.guests[0].lines, offer(20)),
    ]);
    expect(told).toEqual([offer(20), offer(10)]);
    first.rendezvous.close();
    second.rendezvous.close();
  });

  it('refuses another secret, and another configuration with both values', async () => {
    let places = await twoPlaces();
    const strangers = [new Side(0, places), new Side(1, places, 'guessed')] as const;
    await meet(...strangers);
    expect(strangers.flatMap(({ problems }) => problems).join()).toMatch(/secret/);
    places = await twoPlaces();
    const different = [new Side(0, places), new Side(1, places, 'shared', 2)] as const;
    await meet(...different);
    expect(different.flatMap(({ problems }) => problems).join()).toMatch(
      /capacityBytes: [12] here, [12] there/,
    );
    expect([...strangers, ...different].flatMap(({ guests }) => guests)).toEqual([]);
  });

  it('says which address cannot be listened at', async () => {
    const places = placesOf(
      // TEST-NET-1 (RFC 5737): no machine has it.
      { kind: 'ibverbs', device: 'x', connection: {}, rendezvous: ['192.0.2.1:7100'] },
      1,
    );
    await expect(new Side(0, places).rendezvous.listen()).rejects.toThrow(
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
