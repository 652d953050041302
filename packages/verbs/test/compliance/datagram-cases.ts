import { describe, expect, it } from 'vitest';
import {
  GLOBAL_HEADER_BYTES,
  type AddressHandle,
  type Datagram,
  type DatagramQueuePair,
  type Device,
} from '../../src/index.ts';
import { completion, fill, settle, Side, type ProviderFixture } from './harness.ts';

const QUEUE_KEY = 0x1234_5678;
const refusal = (code: string) => expect.objectContaining({ name: 'VerbsError', code });

/** A device's side with a queue pair of datagrams. */
class Post extends Side {
  readonly datagrams: DatagramQueuePair;
  readonly #handles = new Map<string, AddressHandle>();

  constructor(device: Device, queueKey = QUEUE_KEY) {
    super(device, { regionBytes: 64_000 });
    const options = { sendRing: this.ring, sendCompletionQueue: this.queue, inlineBytesMax: 32 };
    this.datagrams = this.domain
      .createQueuePair({ ...options, type: 'UD', receiveQueueDepth: 32 })
      .open({ queueKey });
  }

  receive(offset: number, length: number, workRequestId = 0): void {
    this.datagrams.postReceive({ workRequestId, local: { region: this.region, offset, length } });
    this.datagrams.doorbell();
  }

  /** Bytes of our region, to another. */
  to(other: Post, offset: number, length: number, more: Partial<Datagram> = {}): Datagram {
    const { address, queuePairNumber } = other.datagrams.endpoint;
    const addressHandle = this.#handles.get(address) ?? this.domain.createAddressHandle(address);
    this.#handles.set(address, addressHandle);
    return {
      local: { region: this.region, offset, length },
      to: { addressHandle, queuePairNumber, queueKey: QUEUE_KEY },
      ...more,
    };
  }

  send(datagram: Datagram): void {
    this.datagrams.postSend(datagram);
    this.datagrams.doorbell();
  }
}

/** Queue pairs of type UD: messages of one packet, to and from anybody. */
export function datagramCases(fixture: () => ProviderFixture): void {
  describe('datagrams', () => {
    deliveryCases(fixture);
    lossCases(fixture);
    refusedCases(fixture);
    stateCases(fixture);
  });
}

function deliveryCases(fixture: () => ProviderFixture): void {
  it('arrive behind 40 bytes of header, with length, sender and immediate data', () => {
    const [a, b] = fixture().devices.map((device) => new Post(device));
    const { mtuBytes } = fixture().devices[0].info.limits;
    for (const [round, size] of [0, 1, 31, 32, 33, mtuBytes - 1, mtuBytes].entries()) {
      fill(a.region.bytes, round);
      b.region.bytes.fill(0xee);
      b.receive(64, 8192, 7);
      a.send(a.to(b, 16, size, { immediate: size, inline: size <= 32, workRequestId: 3 }));
      const sent = { status: 'success', opcode: 'send', workRequestIdLow: 3, byteLength: size };
      expect(completion(fixture(), a)).toMatchObject(sent);
      expect(completion(fixture(), b)).toMatchObject({
        status: 'success',
        opcode: 'receive',
        workRequestIdLow: 7,
        byteLength: GLOBAL_HEADER_BYTES + size,
        immediate: size,
        sourceQueuePairNumber: a.datagrams.endpoint.queuePairNumber,
      });
      const at = 64 + GLOBAL_HEADER_BYTES;
      const [to, from] = [
        b.region.bytes.subarray(at, at + size),
        a.region.bytes.subarray(16, 16 + size),
      ];
      expect(Buffer.compare(to, from), `size ${size}`).toBe(0);
      expect(b.region.bytes[63]).toBe(0xee);
      expect(b.region.bytes[at + size]).toBe(0xee);
    }
    expect([a.queue.outstanding, b.queue.outstanding]).toEqual([0, 0]);
  });

  it('of one queue pair go to many, whose answers go to who asked', () => {
    const [server, ...clients] = fixture().devices.map((device) => new Post(device));
    for (let n = 0; n < 8; n++) server.receive(1000 * n, 200, n);
    for (const client of clients) client.receive(0, 200);
    for (const [n, client] of clients.entries()) {
      client.region.bytes.fill(n + 1, 5000, 5008);
      client.send(client.to(server, 5000, 8));
      expect(completion(fixture(), client).opcode).toBe('send');
    }
    for (let n = 0; n < clients.length; n++) {
      const asked = completion(fixture(), server);
      const client = clients.find(
        ({ datagrams }) => datagrams.endpoint.queuePairNumber === asked.sourceQueuePairNumber,
      );
      if (client === undefined) throw new Error('a datagram of nobody');
      const question = 1000 * asked.workRequestIdLow + GLOBAL_HEADER_BYTES;
      server.region.bytes[60_000 + n] = 100 + server.region.bytes[question];
      server.datagrams.postSend(server.to(client, 60_000 + n, 1));
    }
    // Both answers in one doorbell.
    server.datagrams.doorbell();
    for (const [n, client] of clients.entries()) {
      expect(completion(fixture(), client).opcode).toBe('receive');
      expect(client.region.bytes[GLOBAL_HEADER_BYTES]).toBe(101 + n);
    }
  });

  it('go to a queue pair of their own context', () => {
    const post = new Post(fixture().devices[0]);
    const ring = { sendRing: post.ring, sendCompletionQueue: post.queue };
    const other = post.domain
      .createQueuePair({ ...ring, type: 'UD', receiveQueueDepth: 1 })
      .open({ queueKey: 5 });
    const { region } = post;
    region.bytes.fill(9, 0, 4);
    other.postReceive({ local: { region, offset: 100, length: 100 } });
    const { queuePairNumber, address } = other.endpoint;
    const addressHandle = post.domain.createAddressHandle(address);
    const local = { region, offset: 0, length: 4 };
    post.send({ local, to: { addressHandle, queuePairNumber, queueKey: 5 } });
    const opcodes = [completion(fixture(), post), completion(fixture(), post)].map(
      (one) => one.opcode,
    );
    expect(opcodes.sort()).toEqual(['receive', 'send']);
    expect(region.bytes[100 + GLOBAL_HEADER_BYTES + 3]).toBe(9);
  });
}

function lossCases(fixture: () => ProviderFixture): void {
  it('get lost without a word: another key, no receive, nobody there', () => {
    const [a, b] = fixture().devices.map((device) => new Post(device));
    const sent = (datagram: Datagram): void => {
      a.send(datagram);
      expect(completion(fixture(), a).status).toBe('success');
      settle(fixture());
      expect(b.queue.take()).toBeUndefined();
    };
    const { to } = a.to(b, 0, 8);
    sent(a.to(b, 0, 8));
    b.receive(0, 200);
    sent(a.to(b, 0, 8, { to: { ...to, queueKey: QUEUE_KEY + 1 } }));
    sent(a.to(b, 0, 8, { to: { ...to, queuePairNumber: 0xff_fff0 } }));
    // Neither end minds.
    a.send(a.to(b, 0, 8));
    expect(completion(fixture(), a).status).toBe('success');
    expect(completion(fixture(), b)).toMatchObject({ status: 'success', opcode: 'receive' });
  });
}

function refusedCases(fixture: () => ProviderFixture): void {
  it('are refused when they are longer than a packet, or have a key that cannot be', () => {
    const [a, b] = fixture().devices.map((device) => new Post(device));
    const { mtuBytes } = fixture().devices[0].info.limits;
    expect(a.datagrams.messageBytesMax).toBe(mtuBytes);
    const datagram = a.to(b, 0, 8);
    const post = (more: Partial<Datagram>) => () => a.send({ ...datagram, ...more });
    const local = { region: a.region, offset: 0, length: mtuBytes + 1 };
    expect(post({ local })).toThrowError(refusal('EMSGSIZE'));
    expect(post({ local: { ...local, length: 33 }, inline: true })).toThrowError(
      refusal('EMSGSIZE'),
    );
    for (const queueKey of [-1, 2 ** 31, 1.5])
      expect(post({ to: { ...datagram.to, queueKey } })).toThrowError(refusal('EINVAL'));
    datagram.to.addressHandle.close();
    expect(post({})).toThrowError(refusal('EBADF'));
    expect(a.datagrams.outstanding).toBe(0);
  });

  it('have addresses of their own provider only', () => {
    const post = new Post(fixture().devices[0]);
    expect(() => post.domain.createAddressHandle('nowhere')).toThrowError(refusal('EINVAL'));
  });

  it('take no address handle of another protection domain', () => {
    const [a, b] = fixture().devices.map((device) => new Post(device));
    const foreign = new Post(fixture().devices[0]).to(b, 0, 8).to;
    a.send(a.to(b, 0, 8, { to: foreign }));
    expect(completion(fixture(), a).status).toBe('localQueuePairOperationError');
    expect(a.datagrams.control.state).toBe('error');
  });
}

function stateCases(fixture: () => ProviderFixture): void {
  it('are flushed in ERR, and go on once the queue pair is cycled', () => {
    const [a, b] = fixture().devices.map((device) => new Post(device));
    expect(a.datagrams.control.state).toBe('readyToSend');
    a.receive(0, 100, 8);
    a.datagrams.control.fail();
    expect(a.datagrams.control.state).toBe('error');
    a.send(a.to(b, 0, 8));
    const flushed = [completion(fixture(), a), completion(fixture(), a)];
    expect(flushed.map(({ status }) => status)).toEqual(new Array(2).fill('workRequestFlushed'));
    expect(flushed.map(({ opcode }) => opcode).sort()).toEqual(['receive', 'send']);
    expect([a.datagrams.outstanding, a.queue.outstanding]).toEqual([0, 0]);

    a.datagrams.control.cycle({ queueKey: 9 });
    const { to } = b.to(a, 0, 8);
    a.receive(0, 100);
    b.receive(0, 100);
    a.send(a.to(b, 0, 8));
    b.send(b.to(a, 0, 8, { to: { ...to, queueKey: 9 } }));
    for (const side of [a, b]) {
      const opcodes = [completion(fixture(), side), completion(fixture(), side)];
      expect(opcodes.map(({ opcode }) => opcode).sort()).toEqual(['receive', 'send']);
    }
  });

  it('need a queue key of 31 bits', () => {
    const post = new Post(fixture().devices[0]);
    for (const queueKey of [-1, 2 ** 31, 0.5])
      expect(() => {
        post.datagrams.control.cycle({ queueKey });
      }).toThrowError(refusal('EINVAL'));
    expect(post.datagrams.control.state).toBe('readyToSend');
  });
}
