import { describe, expect, it } from 'vitest';
import { Device, SimFabric, VerbsError, type SimWriteEvent } from '../../src/index.ts';
import { EVERYTHING, fill, join, READ_ONLY, Side, writeRequest } from '../compliance/harness.ts';
import { outcomes, side, simPair, type SimPair } from './sim-harness.ts';

const TORN = { tearProbability: 0.9 };

function stream(pair: SimPair, count: number, bytes = 64): void {
  for (let n = 0; n < count; n++) pair.a.queuePair.postSend(writeRequest(pair, n * bytes, bytes));
  pair.a.queuePair.doorbell();
}

const landed = ({ b }: SimPair): number => b.region.bytes.findLastIndex((byte) => byte !== 0) + 1;

describe('a crashed host', () => {
  it('does not answer: operations of its peers end in retryExceeded, after the timeout', () => {
    const pair = simPair({ faults: { retryTimeoutNs: 1_000_000 } });
    pair.fabric.crash('b');
    stream(pair, 2);
    expect(outcomes(pair.fabric, pair.a)).toEqual(['retryExceeded', 'workRequestFlushed']);
    expect(pair.fabric.now).toBeGreaterThanOrEqual(1_000_000);
    expect(pair.fabric.now).toBeLessThan(1_010_000);
    expect(pair.fabric.memory(pair.b.region.remoteKey)).toBeUndefined();
    expect(pair.a.queuePair.control.peerThreadState()).toBe('dead');
  });

  it('takes the operations it had under way with it, between any two bytes', () => {
    const ends = new Set<number>();
    for (let seed = 1; seed <= 100; seed++) {
      const pair = simPair({ seed, faults: TORN });
      pair.a.region.bytes.fill(1);
      stream(pair, 1);
      for (let n = 0; n < seed % 8; n++) pair.fabric.step();
      pair.fabric.crash('a');
      const before = landed(pair);
      while (pair.fabric.step());
      expect(landed(pair)).toBe(before);
      ends.add(before);
    }
    expect(ends.size).toBeGreaterThan(20);
  });

  it('may have acknowledged what it took, and died at once', () => {
    const pair = simPair();
    pair.fabric.onWrite(({ last }) => {
      if (last) pair.fabric.crash('b');
    });
    stream(pair, 2);
    expect(outcomes(pair.fabric, pair.a)).toEqual(['success', 'retryExceeded']);
  });

  it('refuses new verbs, gives everything back, and starts again with nothing', () => {
    const pair = simPair();
    const oldKey = pair.b.region.remoteKey;
    pair.fabric.crash('b');
    expect(pair.fabric.hostState('b')).toBe('crashed');
    expect(() => pair.b.domain.allocateMemory(8, 0)).toThrowError(
      expect.objectContaining({ code: 'ENODEV' }),
    );
    pair.b.queuePair.postSend(writeRequest({ a: pair.b, b: pair.a }, 0, 8));
    pair.b.queuePair.doorbell();
    expect(outcomes(pair.fabric, pair.b)).toEqual([]);
    pair.b.context.close();

    const backend = pair.fabric.restart('b');
    const b = new Side(new Device(backend, backend.listDevices()[0]));
    expect(pair.fabric.hostState('b')).toBe('running');
    expect(pair.fabric.backend('b')).toBe(backend);
    expect(b.region.remoteKey).not.toBe(oldKey);
    // The old connection leads to the dead one still.
    expect(pair.a.queuePair.control.peerThreadState()).toBe('dead');
    stream(pair, 1);
    expect(outcomes(pair.fabric, pair.a)).toEqual(['retryExceeded']);
    join(pair.a, b, EVERYTHING);
    stream({ fabric: pair.fabric, a: pair.a, b }, 1);
    expect(outcomes(pair.fabric, pair.a)).toEqual(['success']);
    expect(() => pair.fabric.restart('b')).toThrow(RangeError);
  });
});

describe('a paused host', () => {
  it('has its posted work done by the NIC all the same', () => {
    const pair = simPair();
    pair.a.region.bytes.fill(1);
    stream(pair, 4);
    pair.fabric.pause('a');
    expect(pair.b.queuePair.control.peerThreadState()).toBe('stopped');
    expect(outcomes(pair.fabric, pair.a)).toEqual(['success', 'success', 'success', 'success']);
    expect(landed(pair)).toBe(256);
    pair.fabric.resume('a');
    expect(pair.b.queuePair.control.peerThreadState()).toBe('running');
  });

  it('stops between any two bytes when its thread makes the copy, and goes on after', () => {
    const ends = new Set<number>();
    for (let seed = 1; seed <= 200; seed++) {
      const pair = simPair({ seed, faults: TORN });
      pair.a.region.bytes.fill(1);
      stream(pair, 1);
      for (let n = 0; n < seed % 8; n++) pair.fabric.step();
      pair.fabric.pause('a', { nic: 'stops' });
      const stopped = landed(pair);
      const completions = pair.a.queue.poll();
      while (pair.fabric.step());
      expect(landed(pair)).toBe(stopped);
      expect(pair.a.queue.poll()).toBe(completions);
      ends.add(stopped);
      pair.fabric.resume('a');
      expect(outcomes(pair.fabric, pair.a)).toEqual(['success']);
      expect(landed(pair)).toBe(64);
    }
    expect(ends.size).toBeGreaterThan(20);
  });

  it('changes nothing any more after a revocation that came while it stood still', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const pair = simPair({ seed, faults: TORN });
      pair.a.region.bytes.fill(1);
      stream(pair, 3);
      for (let n = 0; n < seed % 12; n++) pair.fabric.step();
      pair.fabric.pause('a', { nic: 'stops' });
      pair.b.queuePair.control.modifyAccess(READ_ONLY);
      const stopped = landed(pair);
      pair.fabric.resume('a');
      while (pair.fabric.step());
      expect(landed(pair), `seed ${seed}`).toBe(stopped);
    }
  });

  it('is written and read by its peers', () => {
    const pair = simPair();
    pair.fabric.pause('b', { nic: 'stops' });
    stream(pair, 1);
    expect(outcomes(pair.fabric, pair.a)).toEqual(['success']);
  });
});

describe('links', () => {
  it('partition one way only', () => {
    const pair = simPair();
    pair.fabric.partition('a', 'b');
    stream(pair, 1);
    stream({ fabric: pair.fabric, a: pair.b, b: pair.a }, 1);
    expect(outcomes(pair.fabric, pair.a)).toEqual(['retryExceeded']);
    expect(outcomes(pair.fabric, pair.b)).toEqual(['success']);
    expect(landed(pair)).toBe(0);
    // RC notices a lost peer only by using it: the other side still believes in the connection.
    expect(pair.a.queuePair.control.state).toBe('error');
    expect(pair.b.queuePair.control.state).toBe('readyToSend');
  });

  it('deliver late what a partition held up for less than the timeout', () => {
    const pair = simPair({ faults: { retryTimeoutNs: 1_000_000, retryIntervalNs: 100_000 } });
    pair.a.region.bytes.fill(1);
    pair.fabric.partition('a', 'b', 'all');
    stream(pair, 3);
    pair.fabric.schedule(700_000, () => {
      pair.fabric.heal('a', 'b');
    });
    expect(outcomes(pair.fabric, pair.a)).toEqual(['success', 'success', 'success']);
    expect(pair.fabric.now).toBeGreaterThan(700_000);
    expect(landed(pair)).toBe(192);
  });

  it('lose acknowledgements: done there, and reported as retryExceeded here', () => {
    const pair = simPair();
    pair.a.region.bytes.fill(1);
    pair.fabric.partition('a', 'b', 'acknowledgements');
    stream(pair, 2);
    expect(outcomes(pair.fabric, pair.a)).toEqual(['retryExceeded', 'workRequestFlushed']);
    expect(landed(pair)).toBe(128);
  });

  it('complete late and out of order across queue pairs, never within one', () => {
    const fabric = new SimFabric({
      seed: 5,
      faults: {
        acknowledgementDelayNs: { minNs: 100, maxNs: 500, tailProbability: 0.2, tailMaxNs: 90_000 },
      },
    });
    const a = side(fabric, 'a');
    const b = side(fabric, 'b');
    const queuePairs = [0, 1, 2].map(() => {
      join(a, b, EVERYTHING);
      return a.queuePair;
    });
    for (let n = 0; n < 60; n++)
      queuePairs[n % 3].postSend(writeRequest({ a, b }, 0, 8, { workRequestId: n }));
    a.ring.doorbell();
    while (fabric.step());
    const order: number[] = [];
    for (let done = a.queue.take(); done !== undefined; done = a.queue.take())
      order.push(done.workRequestIdLow);
    expect(order).not.toEqual([...order].sort((x, y) => x - y));
    for (const own of [0, 1, 2]) {
      const mine = order.filter((id) => id % 3 === own);
      expect(mine).toEqual(Array.from({ length: 20 }, (_, n) => n * 3 + own));
    }
  });

  it('take the delays that they are given', () => {
    const pair = simPair();
    pair.fabric.setLinkFaults('a', 'b', { requestDelayNs: { minNs: 50_000, maxNs: 50_000 } });
    stream(pair, 1);
    pair.fabric.runUntil(49_999);
    expect(landed(pair)).toBe(0);
    expect(outcomes(pair.fabric, pair.a)).toEqual(['success']);
    expect(pair.fabric.now).toBeGreaterThan(50_000);
    expect(() => {
      pair.fabric.setLinkFaults('a', 'b', { retryIntervalNs: 0 });
    }).toThrow(RangeError);
    expect(() => {
      pair.fabric.setLinkFaults('a', 'b', { requestDelayNs: { minNs: 2, maxNs: 1 } });
    }).toThrow(RangeError);
  });

  it('drop a connection: the queue pair is in ERR, and its peer finds out by using it', () => {
    const pair = simPair();
    stream(pair, 2);
    pair.fabric.dropConnection(pair.b.queuePair.endpoint.queuePairNumber);
    expect(pair.b.queuePair.control.state).toBe('error');
    expect(outcomes(pair.fabric, pair.a)).toEqual(['retryExceeded', 'workRequestFlushed']);
  });

  it('can fail a change of access flags, which leaves the queue pair in ERR', () => {
    const pair = simPair({ faults: { accessChangeFailProbability: 1 } });
    expect(() => {
      pair.b.queuePair.control.modifyAccess(READ_ONLY);
    }).toThrowError(VerbsError);
    expect(pair.b.queuePair.control.state).toBe('error');
    pair.b.queuePair.control.cycle({ accessFlags: READ_ONLY });
    expect(pair.b.queuePair.control.state).toBe('readyToSend');
  });
});

describe('observers of writes', () => {
  it('are told of every byte, in address order, as it changes', () => {
    const pair = simPair({ faults: TORN });
    fill(pair.a.region.bytes);
    const events: SimWriteEvent[] = [];
    const end = pair.fabric.onWrite((event) => {
      const range = [event.offset, event.offset + event.length] as const;
      expect([...pair.b.region.bytes.subarray(...range)]).toEqual([
        ...pair.a.region.bytes.subarray(...range),
      ]);
      events.push(event);
    });
    pair.a.post(writeRequest(pair, 100, 1500));
    expect(outcomes(pair.fabric, pair.a)).toEqual(['success']);
    let at = 100;
    for (const event of events) {
      expect(event).toMatchObject({ from: 'a', to: 'b', remoteKey: pair.b.region.remoteKey });
      expect(event.offset).toBe(at);
      at += event.length;
      expect(event.last).toBe(at === 1600);
      // A piece never crosses a packet's end.
      expect(Math.floor((event.offset - 100) / 1024)).toBe(Math.floor((at - 101) / 1024));
    }
    expect(at).toBe(1600);
    end();
    const told = events.length;
    pair.a.post(writeRequest(pair, 0, 8));
    expect(outcomes(pair.fabric, pair.a)).toEqual(['success']);
    expect(events.length).toBe(told);
  });
});
