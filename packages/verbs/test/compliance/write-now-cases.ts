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

    describe('that is waited for', () => {
      let awaited: WriteTargets;
      beforeEach(() => (awaited = { ...targets, completionQueue: writer.queue, required: 0b10 }));

      const post = (id: number, needed: number): number => {
        const { handle } = writer.region;
        return writer.ring.writeNow(awaited, WRITE, WRITE, handle, 0, 64, 8, id, needed);
      };
      /** Waits on until what was found has these bits; all that was found. */
      const found = (first: number, bits: number): number => {
        let all = first;
        const deadline = Date.now() + 5000;
        while ((all & bits) !== bits) {
          if (Date.now() > deadline) throw new Error(`found ${all.toString(2)} in time`);
          settle(fixture());
          all |= writer.ring.awaitWrites();
        }
        return all;
      };

      it('is found done without a completion, and takes no places', () => {
        for (let round = 0; round < 100; round++) {
          writer.region.bytes[0] = round;
          expect(found(post(round, 2), 0b11) & 0xffff).toBe(0b11);
          expect(peers.map(has)).toEqual([true, true]);
          expect(writer.queue.outstanding).toBe(0);
        }
        expect(writer.queue.poll()).toBe(0);
        expect(awaited.queuePairs.map(({ outstanding }) => outstanding)).toEqual([0, 0]);
      });

      it('finds those before it, too', () => {
        const { immediate } = writer.ring;
        for (let round = 0; round < 100; round++) {
          const first = post(3 * round, 0);
          expect(first).toBe(immediate ? 0b11 : 0);
          post(3 * round + 1, 0);
          const earlier = immediate ? 0 : 0b11;
          const all = found(post(3 * round + 2, 1), 0b11 | (earlier << 16));
          expect(all >>> 16).toBe(earlier);
          for (let n = 0; n < 2 && !immediate; n++)
            expect([3 * round, 3 * round + 1]).toContain(writer.ring.earlierId(n));
          expect(writer.queue.outstanding).toBe(0);
        }
      });

      it('leaves what failed to completions, and what comes behind it', () => {
        awaited.queuePairs[0].control.fail();
        let done = post(1, 2) & 0xffff;
        while (writer.queue.outstanding > 0) {
          settle(fixture());
          done |= writer.ring.awaitWrites() & 0xffff;
          if (writer.queue.poll() === 0) continue;
          const { status, workRequestIdHigh } = completion(fixture(), writer);
          expect(status === 'success').toBe(workRequestIdHigh === 20);
          if (status === 'success') done |= 0b10;
        }
        expect(done).toBe(0b10);
        expect(peers.map(has)).toEqual([false, true]);
      });

      it('does not go on after a close', () => {
        expect(found(post(1, 2), 0b11) & 0xffff).toBe(0b11);
        awaited.queuePairs[1].close();
        expect(() => post(2, 2)).toThrowError(/EBADF/);
        settle(fixture());
      });
    });

    it('is refused when one of its queue pairs was closed', () => {
      targets.queuePairs[1].close();
      expect(() => write()).toThrowError(/EBADF/);
      settle(fixture());
      expect(targets.queuePairs[0].outstanding).toBe(0);
    });
  });
}
