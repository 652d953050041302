import { describe, expect, it } from 'vitest';
import {
  CompletionEntry,
  Opcode,
  QueuePairType,
  Ring,
  SendEntry,
  SendFlags,
  SimFabric,
} from '../../src/index.ts';
import { fill, writeRequest } from '../compliance/harness.ts';
import { outcomes, simPair } from './sim-harness.ts';

describe('SimFabric', () => {
  it('repeats a run exactly from its seed', () => {
    const trace = (seed: number): string => {
      const pair = simPair({ seed });
      const lines: string[] = [];
      pair.fabric.onWrite((e) => lines.push(`${pair.fabric.now} ${e.offset} ${e.length}`));
      for (let n = 0; n < 20; n++) pair.a.queuePair.postSend(writeRequest(pair, n * 50, 50));
      pair.a.queuePair.doorbell();
      while (pair.fabric.step()) lines.push(`${pair.fabric.now} ${pair.a.queue.poll()}`);
      return lines.join('\n');
    };
    expect(trace(42)).toBe(trace(42));
    expect(trace(42)).not.toBe(trace(43));
  });

  it('runs scheduled actions in virtual time, and stops where it is told', () => {
    const fabric = new SimFabric({ seed: 1 });
    const ran: number[] = [];
    for (const delay of [300, 100, 200])
      fabric.schedule(delay, () => {
        ran.push(fabric.now);
      });
    expect(fabric.pending).toBe(3);
    fabric.runUntil(200);
    expect([ran, fabric.now]).toEqual([[100, 200], 200]);
    expect(fabric.step()).toBe(true);
    expect(fabric.step()).toBe(false);
    fabric.runUntil(1_000);
    expect([ran, fabric.now]).toEqual([[100, 200, 300], 1_000]);
    expect(() => {
      fabric.schedule(-1, () => {});
    }).toThrow(RangeError);
  });

  it('refuses faults on hosts that it does not have', () => {
    const fabric = new SimFabric({ seed: 1 });
    expect(() => {
      fabric.crash('nobody');
    }).toThrow(RangeError);
    fabric.backend('a');
    expect(() => {
      fabric.resume('a');
    }).toThrow(RangeError);
    expect(() => new SimFabric({ seed: 1, mtuBytes: 0 })).toThrow(RangeError);
  });

  it('reads bytes that are not inline when they are sent: reusing a buffer early corrupts', () => {
    const pair = simPair();
    pair.a.region.bytes.fill(1);
    pair.a.post(writeRequest(pair, 0, 64));
    pair.a.region.bytes.fill(2);
    expect(outcomes(pair.fabric, pair.a)).toEqual(['success']);
    expect(pair.b.region.bytes[0]).toBe(2);
  });

  it('lets a reader see a write that is only half there', () => {
    let torn = 0;
    for (let seed = 1; seed <= 50; seed++) {
      const { fabric, a, b } = simPair({ seed, faults: { tearProbability: 0.9 } });
      a.region.bytes.fill(7, 0, 64);
      a.post(writeRequest({ a, b }, 0, 64));
      while (fabric.step()) {
        const there = b.region.bytes.subarray(0, 64).filter((byte) => byte === 7).length;
        if (there > 0 && there < 64) torn++;
      }
    }
    expect(torn).toBeGreaterThan(50);
  });

  it('calls observers of wake-ups', () => {
    const pair = simPair();
    const woken: string[] = [];
    const end = pair.fabric.onWake((host) => woken.push(host));
    pair.a.post(writeRequest(pair, 0, 8, { wake: true }));
    outcomes(pair.fabric, pair.a);
    end();
    pair.a.post(writeRequest(pair, 0, 8, { wake: true }));
    outcomes(pair.fabric, pair.a);
    expect(woken).toEqual(['b']);
  });
});

/** What the object model never does, done to the contract itself. */
describe('the sim backend, raw', () => {
  const host = (completionQueueDepth: number, inlineBytesMax = 16) => {
    const fabric = new SimFabric({ seed: 1 });
    const backend = fabric.backend('a');
    const context = backend.openContext('a');
    const domain = backend.allocateProtectionDomain(context);
    const queue = backend.createCompletionQueue(context, completionQueueDepth);
    const ring = backend.createSendRing(context, 64);
    const memory = backend.registerMemory(domain, 256, 15);
    const attributes = {
      type: QueuePairType.RC,
      sendCompletionQueue: queue.queue,
      receiveCompletionQueue: queue.queue,
      sendQueueDepth: 64,
      receiveQueueDepth: 0,
      inlineBytesMax,
    };
    const connectToSelf = () => {
      const own = backend.createQueuePair(domain, attributes);
      backend.modifyQueuePair(own.queuePair, { state: 1, accessFlags: 15 });
      backend.modifyQueuePair(own.queuePair, {
        state: 2,
        remoteAddress: own.address,
        remoteQueuePairNumber: own.queuePairNumber,
      });
      backend.modifyQueuePair(own.queuePair, { state: 3 });
      return own;
    };
    return { fabric, backend, context, domain, queue, ring, memory, connectToSelf };
  };

  type Host = ReturnType<typeof host>;
  const post = ({ ring, memory }: Host, queuePair: number, fields: Record<number, number> = {}) => {
    const words = new Uint32Array(ring.buffer);
    const at = Ring.entries + (words[Ring.producer] % 64) * SendEntry.words;
    words.fill(0, at, at + SendEntry.words);
    words[at + SendEntry.opcodeAndFlags] = Opcode.rdmaWrite | SendFlags.signaled;
    words[at + SendEntry.queuePair] = queuePair;
    words[at + SendEntry.localRegion] = memory.region;
    words[at + SendEntry.length] = 8;
    words[at + SendEntry.remoteKey] = memory.remoteKey;
    words[at + SendEntry.remoteOffset] = 128;
    for (const [word, value] of Object.entries(fields)) words[at + Number(word)] = value;
    words[Ring.producer]++;
  };
  const hand = ({ backend, ring, fabric }: Host) => {
    backend.ringDoorbell(ring.ring);
    while (fabric.step());
  };
  const statuses = ({ queue }: Host): number[] => {
    const words = new Uint32Array(queue.ring);
    return Array.from(
      { length: words[Ring.producer] },
      (_, n) => words[Ring.entries + n * CompletionEntry.words + CompletionEntry.status],
    );
  };

  it('treats an overrun of the completion queue as fatal for everyone who uses it', () => {
    const own = host(4);
    const first = own.connectToSelf();
    const second = own.connectToSelf();
    for (let n = 0; n < 5; n++) post(own, first.queuePair);
    hand(own);
    expect(statuses(own)).toEqual([0, 0, 0, 0]);
    expect(own.backend.queryQueuePair(first.queuePair).state).toBe(6);
    expect(own.backend.queryQueuePair(second.queuePair).state).toBe(6);
    // Reading does not repair it.
    new Uint32Array(own.queue.ring)[Ring.consumer] = 4;
    post(own, second.queuePair);
    hand(own);
    expect(new Uint32Array(own.queue.ring)[Ring.producer]).toBe(4);
  });

  it('refuses at the doorbell what the object model would not post', () => {
    const bad: [Record<number, number>, number][] = [
      [{ [SendEntry.opcodeAndFlags]: Opcode.send }, 2],
      [{ [SendEntry.opcodeAndFlags]: SendFlags.inline, [SendEntry.length]: 17 }, 1],
      [{ [SendEntry.opcodeAndFlags]: SendFlags.seal, [SendEntry.length]: 7 }, 1],
      [{ [SendEntry.localOffset]: 250 }, 4],
      [{ [SendEntry.localRegion]: 99 }, 4],
      [{ [SendEntry.opcodeAndFlags]: SendFlags.inline, [SendEntry.localOffset]: 250 }, 4],
    ];
    for (const [fields, status] of bad) {
      const own = host(16);
      const { queuePair } = own.connectToSelf();
      post(own, queuePair);
      hand(own);
      post(own, queuePair, fields);
      post(own, queuePair);
      hand(own);
      expect(statuses(own), JSON.stringify(fields)).toEqual([0, status, 5]);
    }
  });

  it('ignores work of a queue pair that was destroyed before the doorbell', () => {
    const own = host(16);
    const { queuePair } = own.connectToSelf();
    post(own, queuePair);
    own.backend.destroyQueuePair(queuePair);
    hand(own);
    expect(statuses(own)).toEqual([]);
  });

  it('answers to itself: a refusal over a loopback is the refusal, not a flush', () => {
    const own = host(16);
    const { queuePair } = own.connectToSelf();
    fill(new Uint8Array(own.memory.buffer));
    own.backend.modifyQueuePair(queuePair, { state: 3, accessFlags: 4 });
    post(own, queuePair);
    post(own, queuePair);
    hand(own);
    expect(statuses(own)).toEqual([9, 5]);
  });

  it('refuses to free what is in use, unknown handles, and bad attributes', () => {
    const own = host(16);
    const { queuePair } = own.connectToSelf();
    const busy = expect.objectContaining({ code: 'EBUSY' });
    expect(() => {
      own.backend.closeContext(own.context);
    }).toThrowError(busy);
    expect(() => {
      own.backend.deallocateProtectionDomain(own.domain);
    }).toThrowError(busy);
    expect(() => {
      own.backend.destroyCompletionQueue(own.queue.queue);
    }).toThrowError(busy);
    expect(() => own.backend.queryQueuePair(99)).toThrowError(
      expect.objectContaining({ code: 'EBADF' }),
    );
    const invalid = expect.objectContaining({ code: 'EINVAL' });
    own.backend.modifyQueuePair(queuePair, { state: 0 });
    own.backend.modifyQueuePair(queuePair, { state: 1, accessFlags: 0 });
    expect(() => {
      own.backend.modifyQueuePair(queuePair, { state: 2 });
    }).toThrowError(invalid);
    const remote = { remoteAddress: 'a/0', remoteQueuePairNumber: 1 };
    expect(() => {
      own.backend.modifyQueuePair(queuePair, {
        state: 2,
        ...remote,
        receivePacketSequenceNumber: 1 << 24,
      });
    }).toThrowError(invalid);
    expect(own.backend.queryQueuePair(queuePair).state).toBe(1);
  });
});
