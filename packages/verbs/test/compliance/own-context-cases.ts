import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  EARLIER_SHIFT,
  Opcode,
  SendFlags,
  type QueuePair,
  type WorkCompletion,
  type WorkRequest,
} from '../../src/index.ts';
import { completion, EVERYTHING, fill, READ_ONLY, Side, type ProviderFixture } from './harness.ts';

const HALF = 4096;
/** Of the ids of what is written in one call with the doorbell. */
const ID_HIGH = 10;
const REFUSED = ['remoteInvalidRequest', 'remoteAccessError'];

/** Two queue pairs of one context, connected to each other, as a leader writes its own log. */
class Loop {
  readonly side: Side;
  readonly from: QueuePair;
  readonly to: QueuePair;
  readonly #fixture: ProviderFixture;

  constructor(fixture: ProviderFixture) {
    this.#fixture = fixture;
    this.side = new Side(fixture.devices[0], { regionBytes: 2 * HALF });
    const [from, to] = [this.side.prepare(), this.side.prepare()];
    const ofFrom = from.endpoint;
    this.from = from.connect(to.endpoint, { accessFlags: EVERYTHING });
    this.to = to.connect(ofFrom, { accessFlags: EVERYTHING });
    fill(this.side.region.bytes.subarray(0, HALF));
  }

  get bytes(): Uint8Array {
    return this.side.region.bytes;
  }

  /** The bytes at `offset` of the first half with those of the second. */
  request(kind: 'write' | 'read', offset: number, length: number, signaled = true): WorkRequest {
    const { region } = this.side;
    const remote = { remoteKey: region.remoteKey, offset: HALF + offset };
    return { kind, local: { region, offset, length }, remote, signaled };
  }

  run(request: WorkRequest): WorkCompletion {
    this.from.postSend(request);
    this.from.doorbell();
    return completion(this.#fixture, this.side);
  }

  /** Writes the same in one call with what rings the doorbell, and waits; what was found done. */
  writeNow(offset: number, id: number): number {
    const { ring, queue, region } = this.side;
    const targets = {
      queuePairs: [this.from],
      remoteKeys: Uint32Array.of(region.remoteKey),
      workRequestIdsHigh: Uint32Array.of(ID_HIGH),
      completionQueue: queue,
      required: 1,
    };
    const write = Opcode.rdmaWrite | SendFlags.signaled;
    const at = HALF + offset;
    let found = ring.writeNow(targets, write, write, region.handle, offset, 8, at, id, 1);
    for (let n = 0; n < 1000 && (found & 1) === 0; n++) {
      this.#fixture.advance();
      found |= ring.awaitWrites();
    }
    return found;
  }

  expectState(queuePair: QueuePair, state: string): void {
    for (let n = 0; n < 1000 && queuePair.control.state !== state; n++) this.#fixture.advance();
    expect(queuePair.control.state).toBe(state);
  }
}

/** A context that is its own peer. */
export function ownContextCases(fixture: () => ProviderFixture): void {
  describe('queue pairs of one context', () => {
    let loop: Loop;
    beforeEach(() => {
      loop = new Loop(fixture());
    });
    afterEach(() => loop.side.context.close());

    it('write, read and change each other', () => {
      const { bytes } = loop;
      for (const length of [0, 1, 8, 100, HALF])
        expect(loop.run(loop.request('write', 0, length)).status).toBe('success');
      expect(Buffer.compare(bytes.subarray(0, HALF), bytes.subarray(HALF))).toBe(0);
      bytes.fill(9, HALF);
      expect(loop.run(loop.request('read', 16, 32)).status).toBe('success');
      expect([...bytes.subarray(15, 50)].filter((byte) => byte === 9)).toHaveLength(32);
      new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(HALF, 40n, true);
      const add = { ...loop.request('read', 0, 8), kind: 'fetchAndAdd', add: 2n } as WorkRequest;
      expect(loop.run(add).status).toBe('success');
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      expect([view.getBigUint64(0, true), view.getBigUint64(HALF, true)]).toEqual([40n, 42n]);
    });

    it('have what one call writes to them, of which no completion tells', () => {
      const { side, from } = loop;
      for (let n = 0; n < 100; n++) {
        expect(loop.writeNow(8 * n, n)).toBe(1);
        expect(side.queue.poll()).toBe(0);
        expect([from.outstanding, side.queue.outstanding]).toEqual([0, 0]);
      }
      const written = loop.bytes.subarray(HALF, HALF + 800);
      expect(Buffer.compare(loop.bytes.subarray(0, 800), written)).toBe(0);
    });

    it('tell of what was posted before, too', () => {
      const { side, from } = loop;
      from.postSend({ ...loop.request('write', 0, 8), workRequestId: ID_HIGH * 2 ** 32 + 5 });
      if (side.ring.immediate) {
        from.doorbell();
        expect(completion(fixture(), side).workRequestIdLow).toBe(5);
        expect(loop.writeNow(8, 6)).toBe(1);
      } else {
        expect(loop.writeNow(8, 6)).toBe(1 | (1 << EARLIER_SHIFT));
        expect(side.ring.earlierId(0)).toBe(5);
      }
      expect([from.outstanding, side.queue.outstanding]).toEqual([0, 0]);
    });

    it('leave what is refused to a completion', () => {
      loop.to.control.modifyAccess(READ_ONLY);
      expect(loop.writeNow(64, 7)).toBe(0);
      const { status, workRequestIdLow } = completion(fixture(), loop.side);
      expect(REFUSED).toContain(status);
      expect(workRequestIdLow).toBe(7);
      expect([loop.from.outstanding, loop.side.queue.outstanding]).toEqual([0, 0]);
      expect([...loop.bytes.subarray(HALF + 64, HALF + 72)]).toEqual(new Array(8).fill(0));
    });

    it('complete what was not signalled with what is', () => {
      for (let n = 0; n < 300; n++) {
        loop.from.postSend(loop.request('write', 8 * (n % 64), 8, false));
        if (n % 3 !== 0) continue;
        expect(loop.run(loop.request('write', 0, 8)).status).toBe('success');
        expect(loop.from.outstanding).toBe(0);
      }
      expect(loop.side.queue.poll()).toBe(0);
    });

    it('refuse what is not admitted, are in ERR then, and come back when both are cycled', () => {
      loop.to.control.modifyAccess(READ_ONLY);
      expect(loop.run(loop.request('read', 0, 8)).status).toBe('success');
      expect(REFUSED).toContain(loop.run(loop.request('write', 64, 8)).status);
      expect([...loop.bytes.subarray(HALF + 64, HALF + 72)]).toEqual(new Array(8).fill(0));
      loop.expectState(loop.from, 'error');
      loop.expectState(loop.to, 'error');
      expect(loop.run(loop.request('write', 64, 8)).status).toBe('workRequestFlushed');

      const numbers = { receivePacketSequenceNumber: 77, sendPacketSequenceNumber: 77 };
      for (const queuePair of [loop.from, loop.to])
        queuePair.control.cycle({ accessFlags: EVERYTHING, ...numbers });
      expect(loop.run(loop.request('write', 64, 8)).status).toBe('success');
    });

    it('answer retryExceeded when only one of them was cycled', () => {
      expect(loop.run(loop.request('write', 0, 8)).status).toBe('success');
      const numbers = { receivePacketSequenceNumber: 500, sendPacketSequenceNumber: 500 };
      loop.from.control.cycle({ accessFlags: EVERYTHING, ...numbers });
      expect(loop.run(loop.request('write', 8, 8)).status).toBe('retryExceeded');
      expect([...loop.bytes.subarray(HALF + 8, HALF + 16)]).toEqual(new Array(8).fill(0));
    });

    it('refuse bytes that are not of the region, and keys that are not of the domain', () => {
      const other = loop.side.context.allocateProtectionDomain().allocateMemory(HALF, EVERYTHING);
      const request = loop.request('write', 0, 8);
      if (request.kind !== 'write') throw new Error('a write was asked for');
      for (const remote of [
        { remoteKey: loop.side.region.remoteKey, offset: 2 * HALF - 4 },
        { remoteKey: other.remoteKey, offset: 0 },
      ]) {
        expect(loop.run({ ...request, remote }).status).toBe('remoteAccessError');
        for (const queuePair of [loop.from, loop.to])
          queuePair.control.cycle({ accessFlags: EVERYTHING });
      }
      expect(other.bytes.every((byte) => byte === 0)).toBe(true);
    });
  });
}
