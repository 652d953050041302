import { describe, expect, it } from 'vitest';
import type { WorkRequest } from '../../src/index.ts';
import {
  closePair,
  completion,
  connect,
  cycleBoth,
  EVERYTHING,
  expectState,
  fill,
  run,
  settle,
  writeRequest,
  type Pair,
  type ProviderFixture,
  type Side,
} from './harness.ts';

const refusal = (code: string) => expect.objectContaining({ name: 'VerbsError', code });

/** A connection both of whose ends receive. */
export function receiving(fixture: ProviderFixture, type: 'RC' | 'UC', depth = 16): Pair {
  const side = { type, receiveQueueDepth: depth, regionBytes: 64_000, inlineBytesMax: 32 };
  return connect(fixture, { a: side, b: side });
}

/** Bytes of a side's region, as a message that it sends. */
export function message(
  { region }: Side,
  offset: number,
  length: number,
  more: Partial<WorkRequest & { kind: 'send' }> = {},
): WorkRequest {
  return { kind: 'send', local: { region, offset, length }, ...more };
}

/** Posts a receive into a part of a side's region. */
export function receive(side: Side, offset: number, length: number, workRequestId = 0): void {
  const { region, queuePair } = side;
  queuePair.postReceive({ workRequestId, local: { region, offset, length } });
  queuePair.doorbell();
}

/** Sends and receives over connected queue pairs. */
export function messageCases(fixture: () => ProviderFixture): void {
  describe('messages', () => {
    for (const type of ['RC', 'UC'] as const) deliveryCases(fixture, type);
    immediateCases(fixture);
    refusedCases(fixture);
    receiveQueueCases(fixture);
  });
}

function deliveryCases(fixture: () => ProviderFixture, type: 'RC' | 'UC'): void {
  it(`arrive in the oldest receive, with their length, and touch nothing beside: ${type}`, () => {
    const pair = receiving(fixture(), type);
    const { a, b } = pair;
    const { mtuBytes } = fixture().devices[0].info.limits;
    for (const [round, size] of [0, 1, 31, 32, 33, mtuBytes, 3 * mtuBytes + 5].entries()) {
      fill(a.region.bytes, round);
      b.region.bytes.fill(0xee);
      receive(b, 64, 20_000, 7);
      const sent = run(fixture(), a, message(a, 16, size, { inline: size <= 32 }));
      expect(sent).toMatchObject({ status: 'success', opcode: 'send', byteLength: size });
      const got = completion(fixture(), b);
      expect(got).toMatchObject({
        status: 'success',
        opcode: 'receive',
        byteLength: size,
        workRequestIdLow: 7,
        queuePairNumber: b.queuePair.endpoint.queuePairNumber,
      });
      expect(got).not.toHaveProperty('immediate');
      const expected = new Uint8Array(64_000).fill(0xee);
      expected.set(a.region.bytes.subarray(16, 16 + size), 64);
      expect(Buffer.compare(b.region.bytes, expected), `size ${size}`).toBe(0);
    }
    expect([a.queuePair.outstanding, b.queuePair.receives?.outstanding]).toEqual([0, 0]);
    expect([a.queue.outstanding, b.queue.outstanding]).toEqual([0, 0]);
    closePair(pair);
  });

  it(`go both ways at once, each in its order, over one doorbell: ${type}`, () => {
    const pair = receiving(fixture(), type);
    const sides = [pair.a, pair.b];
    for (const side of sides) {
      for (let n = 0; n < 8; n++) side.region.bytes.fill(n + 1, 100 * n, 100 * n + 10);
      for (let n = 0; n < 8; n++) receive(side, 1000 + 100 * n, 100, n);
    }
    for (const side of sides) {
      for (let n = 0; n < 8; n++)
        side.queuePair.postSend(message(side, 100 * n, 10, { workRequestId: n }));
      side.queuePair.doorbell();
    }
    for (const side of sides) {
      const all = Array.from({ length: 16 }, () => completion(fixture(), side));
      for (const opcode of ['send', 'receive'])
        expect(
          all.filter((one) => one.opcode === opcode).map((one) => one.workRequestIdLow),
        ).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(all.every(({ status }) => status === 'success')).toBe(true);
      for (let n = 0; n < 8; n++) expect(side.region.bytes[1000 + 100 * n + 9]).toBe(n + 1);
    }
    closePair(pair);
  });
}

function immediateCases(fixture: () => ProviderFixture): void {
  for (const type of ['RC', 'UC'] as const)
    it(`carry 32 bits to the completion of the receive: ${type}`, () => {
      const pair = receiving(fixture(), type);
      for (const immediate of [0, 1, 0x1234_5678, 0xffff_ffff]) {
        receive(pair.b, 0, 64);
        run(fixture(), pair.a, message(pair.a, 0, 8, { immediate }));
        const got = completion(fixture(), pair.b);
        expect(got).toMatchObject({ opcode: 'receive', byteLength: 8, immediate });
      }
      expect(() => {
        pair.a.queuePair.postSend(message(pair.a, 0, 8, { immediate: 2 ** 32 }));
      }).toThrowError(refusal('EINVAL'));
      closePair(pair);
    });

  for (const type of ['RC', 'UC'] as const)
    it(`are not needed for that: a write with immediate data takes up a receive: ${type}`, () => {
      const pair = receiving(fixture(), type);
      const { a, b } = pair;
      fill(a.region.bytes);
      receive(b, 1000, 64, 5);
      const done = run(fixture(), a, writeRequest(pair, 128, 40, { immediate: 99 }));
      expect(done).toMatchObject({ status: 'success', opcode: 'rdmaWrite' });
      expect(completion(fixture(), b)).toMatchObject({
        status: 'success',
        opcode: 'receiveRdmaWithImmediate',
        workRequestIdLow: 5,
        immediate: 99,
        byteLength: 40,
      });
      expect(
        Buffer.compare(b.region.bytes.subarray(128, 168), a.region.bytes.subarray(128, 168)),
      ).toBe(0);
      expect(b.region.bytes.subarray(1000, 1064).every((byte) => byte === 0)).toBe(true);
      closePair(pair);
    });
}

function refusedCases(fixture: () => ProviderFixture): void {
  it('end in receiverNotReadyRetryExceeded when no receive is posted', () => {
    const pair = receiving(fixture(), 'RC');
    expect(run(fixture(), pair.a, message(pair.a, 0, 8)).status).toBe(
      'receiverNotReadyRetryExceeded',
    );
    expectState(fixture(), pair.a, 'error');
    expect(run(fixture(), pair.a, message(pair.a, 0, 8)).status).toBe('workRequestFlushed');
    // The peer has done nothing wrong: once we are cycled to where it stands, it hears us.
    expect(pair.b.queuePair.control.state).toBe('readyToSend');
    cycleBoth(pair, EVERYTHING, 3);
    receive(pair.b, 0, 8);
    expect(run(fixture(), pair.a, message(pair.a, 0, 8)).status).toBe('success');
    closePair(pair);
  });

  it('end in receiverNotReadyRetryExceeded at a queue pair that receives nothing', () => {
    for (const devices of [
      [0, 1],
      [0, 0],
    ] as const) {
      const pair = connect(fixture(), { devices });
      const { status } = run(fixture(), pair.a, message(pair.a, 0, 8));
      expect(status).toBe('receiverNotReadyRetryExceeded');
      closePair(pair);
    }
  });

  it('break the connection when they are longer than the receive', () => {
    const pair = receiving(fixture(), 'RC');
    pair.b.region.bytes.fill(0xee);
    receive(pair.b, 0, 16);
    expect(run(fixture(), pair.a, message(pair.a, 0, 17)).status).toMatch(/^remote/);
    const got = completion(fixture(), pair.b);
    // Soft-RoCE says the second.
    expect(['localLengthError', 'localQueuePairOperationError']).toContain(got.status);
    expect(got.opcode).toBe('receive');
    expectState(fixture(), pair.a, 'error');
    expectState(fixture(), pair.b, 'error');
    expect(pair.b.region.bytes[16]).toBe(0xee);
    closePair(pair);
  });

  it('are refused when they are posted wrongly', () => {
    const pair = receiving(fixture(), 'RC');
    const { queuePair, region, domain } = pair.a;
    const readOnly = domain.allocateMemory(64, 0);
    const post = (local: { region: typeof region; offset: number; length: number }) => () => {
      queuePair.postReceive({ local });
    };
    expect(post({ region, offset: 63_999, length: 2 })).toThrowError(refusal('EINVAL'));
    expect(post({ region: readOnly, offset: 0, length: 2 })).toThrowError(refusal('EINVAL'));
    expect(() => {
      queuePair.postSend(message(pair.a, 0, 33, { inline: true }));
    }).toThrowError(refusal('EMSGSIZE'));
    expect([queuePair.outstanding, queuePair.receives?.outstanding]).toEqual([0, 0]);
    closePair(pair);
  });
}

function receiveQueueCases(fixture: () => ProviderFixture): void {
  it('are received as many as there is room for', () => {
    const pair = receiving(fixture(), 'RC', 4);
    const { queuePair, queue } = pair.b;
    for (let n = 0; n < 4; n++) receive(pair.b, 8 * n, 8, n);
    expect(() => receive(pair.b, 0, 8)).toThrowError(refusal('ENOMEM'));
    expect([queuePair.receives?.outstanding, queue.outstanding]).toEqual([4, 4]);
    run(fixture(), pair.a, message(pair.a, 0, 8));
    completion(fixture(), pair.b);
    expect(() => receive(pair.b, 0, 8)).not.toThrow();
    closePair(pair);
  });

  it('have a place each in the completion queue', () => {
    const b = { receiveQueueDepth: 16, completionQueueDepth: 4 };
    const pair = connect(fixture(), { b });
    for (let n = 0; n < 3; n++) receive(pair.b, 8 * n, 8);
    // A send of its own takes the last place.
    pair.b.queuePair.postSend(writeRequest({ a: pair.b, b: pair.a }, 0, 8));
    expect(() => receive(pair.b, 0, 8)).toThrowError(refusal('ENOMEM'));
    pair.b.queuePair.doorbell();
    expect(completion(fixture(), pair.b).opcode).toBe('rdmaWrite');
    expect(() => receive(pair.b, 0, 8)).not.toThrow();
    closePair(pair);
  });

  for (const end of ['fail', 'cycle', 'close'] as const)
    it(`leave no receive behind: ${end}`, () => {
      const pair = receiving(fixture(), 'RC');
      const { queuePair, queue } = pair.b;
      for (let n = 0; n < 3; n++) receive(pair.b, 8 * n, 8, n);
      run(fixture(), pair.a, message(pair.a, 0, 8));
      settle(fixture());
      queue.poll();
      if (end === 'fail') queuePair.control.fail();
      else if (end === 'cycle') queuePair.control.cycle({ accessFlags: EVERYTHING });
      else queuePair.close();
      expect(completion(fixture(), pair.b)).toMatchObject({
        status: 'success',
        workRequestIdLow: 0,
      });
      if (end !== 'close')
        for (const n of [1, 2])
          expect(completion(fixture(), pair.b)).toMatchObject({
            status: 'workRequestFlushed',
            opcode: 'receive',
            workRequestIdLow: n,
          });
      expect(queue.take()).toBeUndefined();
      expect(queue.outstanding).toBe(0);
      if (end !== 'close') expect(queuePair.receives?.outstanding).toBe(0);
      closePair(pair);
    });
}
