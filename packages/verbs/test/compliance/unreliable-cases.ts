import { describe, expect, it } from 'vitest';
import {
  closePair,
  completion,
  connect,
  EVERYTHING,
  fill,
  READ_ONLY,
  readRequest,
  run,
  settle,
  writeRequest,
  type Pair,
  type ProviderFixture,
} from './harness.ts';

const refusal = (code: string) => expect.objectContaining({ name: 'VerbsError', code });

/** Queue pairs of type UC: what is written arrives or not, and the writer does not hear which. */
export function unreliableCases(fixture: () => ProviderFixture): void {
  const connected = (): Pair => {
    const side = { type: 'UC', regionBytes: 64_000 } as const;
    return connect(fixture(), { a: side, b: side });
  };

  describe('unreliable connected queue pairs', () => {
    it('are told to be there', () => {
      for (const { info } of fixture().devices)
        expect(info.queuePairTypes).toEqual(['RC', 'UC', 'UD']);
    });

    it('write every size exactly, and no byte beside it', () => {
      const pair = connected();
      const { mtuBytes } = fixture().devices[0].info.limits;
      for (const [round, size] of [0, 1, 8, mtuBytes - 1, mtuBytes + 1, 5 * mtuBytes].entries()) {
        fill(pair.a.region.bytes, round);
        pair.b.region.bytes.fill(0xee);
        const done = run(fixture(), pair.a, writeRequest(pair, 32, size));
        expect(done).toMatchObject({ status: 'success', opcode: 'rdmaWrite', byteLength: size });
        // It was sent: nobody says when it is there.
        settle(fixture());
        const expected = new Uint8Array(64_000).fill(0xee);
        expected.set(pair.a.region.bytes.subarray(32, 32 + size), 32);
        expect(Buffer.compare(pair.b.region.bytes, expected), `size ${size}`).toBe(0);
      }
      closePair(pair);
    });

    it('write nothing that is not admitted, say nothing of it, and go on', () => {
      const pair = connected();
      const write = (value: number): void => {
        pair.a.region.bytes.fill(value, 0, 8);
        expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('success');
        settle(fixture());
      };
      write(1);
      expect(pair.b.region.bytes[0]).toBe(1);
      pair.b.queuePair.control.modifyAccess(READ_ONLY);
      write(2);
      expect(pair.b.region.bytes[0]).toBe(1);
      pair.b.queuePair.control.modifyAccess(EVERYTHING);
      write(3);
      expect(pair.b.region.bytes[0]).toBe(3);
      for (const { queuePair } of [pair.a, pair.b])
        expect(queuePair.control.state).toBe('readyToSend');
      closePair(pair);
    });

    it('do not notice that nobody is there any more', () => {
      const pair = connected();
      pair.b.queuePair.close();
      expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('success');
      expect(pair.a.queuePair.control.state).toBe('readyToSend');
      closePair(pair);
    });

    it('read nothing, and have no atomics', () => {
      const pair = connected();
      const local = { region: pair.a.region, offset: 0, length: 8 };
      const remote = { remoteKey: pair.b.region.remoteKey, offset: 0 };
      expect(() => {
        pair.a.queuePair.postSend(readRequest(pair, 0, 8));
      }).toThrowError(refusal('EINVAL'));
      expect(() => {
        pair.a.queuePair.postSend({ kind: 'fetchAndAdd', local, remote, add: 1n });
      }).toThrowError(refusal('EINVAL'));
      expect(pair.a.queuePair.outstanding).toBe(0);
      closePair(pair);
    });

    it('reach a queue pair of their own context', () => {
      const side = { type: 'UC' } as const;
      const pair = connect(fixture(), { a: side, b: side, devices: [0, 0] });
      fill(pair.a.region.bytes);
      expect(run(fixture(), pair.a, writeRequest(pair, 0, 100)).status).toBe('success');
      settle(fixture());
      const [to, from] = [pair.b, pair.a].map(({ region }) => region.bytes.subarray(0, 100));
      expect(Buffer.compare(to, from)).toBe(0);
      closePair(pair);
    });

    it('flush what is posted in ERR, and come back when they are cycled', () => {
      const pair = connected();
      pair.a.queuePair.control.fail();
      expect(run(fixture(), pair.a, writeRequest(pair, 0, 8)).status).toBe('workRequestFlushed');
      // Without acknowledgements each end may be cycled for itself: what comes first is taken up.
      pair.a.queuePair.control.cycle({ accessFlags: EVERYTHING, sendPacketSequenceNumber: 77 });
      pair.a.region.bytes.fill(4, 0, 8);
      pair.a.post(writeRequest(pair, 0, 8));
      expect(completion(fixture(), pair.a).status).toBe('success');
      settle(fixture());
      expect(pair.b.region.bytes[7]).toBe(4);
      closePair(pair);
    });
  });
}
