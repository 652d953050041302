import { beforeEach, describe, expect, it } from 'vitest';
import { Opcode, SendFlags, trailerMatches, type WriteTargets } from '../../src/index.ts';
import {
  completion,
  EVERYTHING,
  fill,
  join,
  settle,
  Side,
  type ProviderFixture,
} from './harness.ts';

const WRITE = Opcode.rdmaWrite | SendFlags.signaled;

/** One call that posts the same write to several targets and rings the doorbell. */
export function writeNowCases(fixture: () => ProviderFixture): void {
  describe('a write to several targets', () => {
    let writer: Side;
    let peers: Side[];
    let targets: WriteTargets;

    beforeEach(() => {
      const [own, ...others] = fixture().devices;
      writer = new Side(own);
      peers = others.map((device) => new Side(device));
      const queuePairs = peers.map((peer) => {
        join(writer, peer, EVERYTHING);
        return writer.queuePair;
      });
      const remoteKeys = Uint32Array.from(peers, ({ region }) => region.remoteKey);
      targets = { queuePairs, remoteKeys, workRequestIdsHigh: Uint32Array.of(10, 20) };
      fill(writer.region.bytes);
    });

    /** Of the first 64 bytes to offset 8; who has them once what takes its time is over. */
    const write = (flags = 0): number => {
      const { handle } = writer.region;
      let done = writer.ring.writeNow(targets, WRITE | flags, WRITE, handle, 0, 64, 8, 7);
      while (writer.queue.outstanding > 0) {
        const { status, workRequestIdLow, workRequestIdHigh } = completion(fixture(), writer);
        expect(workRequestIdLow).toBe(7);
        if (status === 'success') done |= 1 << (workRequestIdHigh / 10 - 1);
      }
      return done;
    };
    const has = (peer: Side): boolean =>
      Buffer.compare(peer.region.bytes.subarray(8, 72), writer.region.bytes.subarray(0, 64)) === 0;

    it('arrives at all of them, again and again', () => {
      for (let round = 0; round < 100; round++) {
        writer.region.bytes[0] = round;
        expect(write()).toBe(0b11);
        expect(peers.map(has)).toEqual([true, true]);
      }
      expect(targets.queuePairs.map(({ outstanding }) => outstanding)).toEqual([0, 0]);
    });

    it('is sealed once, for all', () => {
      expect(write(SendFlags.seal)).toBe(0b11);
      for (const peer of peers) expect(trailerMatches(peer.region.bytes, 8, 72)).toBe(true);
    });

    it('reaches the others when one cannot be written', () => {
      targets.queuePairs[0].control.fail();
      expect(write(SendFlags.seal)).toBe(0b10);
      expect(peers.map(has)).toEqual([false, true]);
      expect(trailerMatches(peers[1].region.bytes, 8, 72)).toBe(true);
    });

    it('comes after what was posted before', () => {
      targets.queuePairs[1].postSend({
        kind: 'write',
        local: { region: writer.region, offset: 128, length: 64 },
        remote: { remoteKey: targets.remoteKeys[1], offset: 8 },
        workRequestId: 20 * 2 ** 32 + 7,
      });
      expect(write()).toBe(0b11);
      settle(fixture());
      expect(has(peers[1])).toBe(true);
    });

    it('is refused when one of its queue pairs was closed', () => {
      targets.queuePairs[1].close();
      expect(() => write()).toThrowError(/EBADF/);
      settle(fixture());
      expect(targets.queuePairs[0].outstanding).toBe(0);
    });
  });
}
