import { describe, expect, it } from 'vitest';
import type { QueuePair } from '../../src/index.ts';
import {
  completion,
  connect,
  EVERYTHING,
  join,
  Side,
  writeRequest,
  type ProviderFixture,
} from './harness.ts';

/** More than a device is handed in one call. */
const MANY = 100;

/** What a doorbell does that carries work requests of several queue pairs, some of them wrong. */
export function doorbellCases(fixture: () => ProviderFixture): void {
  describe('a doorbell', () => {
    it('keeps the order within each queue pair when several are posted to in turn', () => {
      const a = new Side(fixture().devices[0], { regionBytes: MANY * 8 });
      const peers = [1, 2].map((device) => new Side(fixture().devices[device]));
      const queuePairs = peers.map((peer) => connected(a, peer));
      for (let n = 0; n < MANY; n++) {
        a.region.bytes.fill(n, 8 * n, 8 * n + 8);
        for (const [to, queuePair] of queuePairs.entries())
          queuePair.postSend({
            kind: 'write',
            workRequestId: n,
            local: { region: a.region, offset: 8 * n, length: 8 },
            remote: { remoteKey: peers[to].region.remoteKey, offset: 0 },
          });
      }
      a.ring.doorbell();
      const next = new Map(queuePairs.map(({ endpoint }) => [endpoint.queuePairNumber, 0]));
      for (let n = 0; n < 2 * MANY; n++) {
        const done = completion(fixture(), a);
        const expected = next.get(done.queuePairNumber);
        expect(done).toMatchObject({ status: 'success', workRequestIdLow: expected });
        next.set(done.queuePairNumber, done.workRequestIdLow + 1);
      }
      for (const peer of peers) expect(peer.region.bytes[7]).toBe(MANY - 1);
    });

    it('carries out what comes before a work request that is wrong, and nothing that comes after', () => {
      const pair = connect(fixture());
      const { queuePair, region } = pair.a;
      region.bytes.fill(1, 0, 64);
      const post = (workRequestId: number) =>
        queuePair.postSend(writeRequest(pair, 8 * workRequestId, 8, { workRequestId }));
      const remote = { remoteKey: pair.b.region.remoteKey, offset: 2001 };
      for (const n of [0, 1, 2]) post(n);
      queuePair.postSend({
        kind: 'fetchAndAdd',
        workRequestId: 3,
        local: { region, offset: 2000, length: 8 },
        remote,
        add: 1n,
      });
      for (const n of [4, 5]) post(n);
      queuePair.doorbell();
      const outcomes = [0, 1, 2, 3, 4, 5].map(() => completion(fixture(), pair.a));
      expect(outcomes.map(({ workRequestIdLow }) => workRequestIdLow)).toEqual([0, 1, 2, 3, 4, 5]);
      // Where the device refuses it at once, those before may not have been acknowledged.
      for (const before of outcomes.slice(0, 3))
        expect(['success', 'workRequestFlushed']).toContain(before.status);
      expect(outcomes[3].status).toMatch(/^(remote|localQueuePairOperationError$)/);
      for (const after of outcomes.slice(4)) expect(after.status).toBe('workRequestFlushed');
      expect([...pair.b.region.bytes.subarray(32, 48)]).toEqual(new Array(16).fill(0));
      expect(queuePair.outstanding).toBe(0);
      expect(pair.a.queue.outstanding).toBe(0);
    });

    it('harms no other queue pair by what is wrong with one', () => {
      const a = new Side(fixture().devices[0]);
      const b = new Side(fixture().devices[1]);
      const [good, bad] = [connected(a, b), connected(a, b)];
      const outside = { remote: { remoteKey: b.region.remoteKey, offset: 4096 } };
      for (let n = 0; n < 4; n++) {
        bad.postSend(writeRequest({ a, b }, 0, 8, outside));
        good.postSend(writeRequest({ a, b }, 0, 8));
      }
      a.ring.doorbell();
      const statuses = new Map<number, string[]>();
      for (let n = 0; n < 8; n++) {
        const { queuePairNumber, status } = completion(fixture(), a);
        statuses.set(queuePairNumber, [...(statuses.get(queuePairNumber) ?? []), status]);
      }
      const of = (queuePair: QueuePair) => statuses.get(queuePair.endpoint.queuePairNumber);
      expect(of(good)).toEqual(new Array(4).fill('success'));
      expect(of(bad)?.[0]).toBe('remoteAccessError');
      expect(of(bad)?.slice(1)).toEqual(new Array(3).fill('workRequestFlushed'));
    });
  });
}

/** A queue pair of `a` to one of `b`. */
function connected(a: Side, b: Side): QueuePair {
  join(a, b, EVERYTHING);
  return a.queuePair;
}
