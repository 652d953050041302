import { describe, expect, it } from 'vitest';
import {
  ContextControl,
  Opcode,
  SendFlags,
  trailerMatches,
  type WorkRequest,
} from '../../src/index.ts';
import {
  closePair,
  completion,
  connect,
  EVERYTHING,
  fill,
  join,
  readRequest,
  run,
  settle,
  Side,
  writeRequest,
  type Pair,
  type ProviderFixture,
  type Traits,
} from './harness.ts';

const MIB = 1 << 20;

/** Where providers change their ways: nothing, words, cache lines, packets. */
function sizesOf({ devices }: ProviderFixture): number[] {
  const { mtuBytes } = devices[0].info.limits;
  return [0, 1, 2, 7, 8, 9, 63, 64, 65, mtuBytes - 1, mtuBytes, mtuBytes + 1, 3 * mtuBytes + 5];
}

/** Bytes arrive where they should, and nowhere else. */
export function dataCases(fixture: () => ProviderFixture, traits: Traits): void {
  describe('data', () => {
    integrityCases(fixture);
    inlineCases(fixture);
    atomicCases(fixture);
    offloadCases(fixture);
    sharedSealCases(fixture);
    if (traits.wakes) wakeCases(fixture);
  });
}

function integrityCases(fixture: () => ProviderFixture): void {
  it('writes every size exactly, and no byte beside it', () => {
    const guard = 32;
    const pair = connect(fixture(), { a: { regionBytes: 64_000 }, b: { regionBytes: 64_000 } });
    for (const [round, size] of sizesOf(fixture()).entries()) {
      fill(pair.a.region.bytes, round);
      pair.b.region.bytes.fill(0xee);
      const done = run(fixture(), pair.a, writeRequest(pair, guard, size));
      expect(done).toMatchObject({ status: 'success', opcode: 'rdmaWrite', byteLength: size });
      const expected = new Uint8Array(64_000).fill(0xee);
      expected.set(pair.a.region.bytes.subarray(guard, guard + size), guard);
      expect(Buffer.compare(pair.b.region.bytes, expected), `size ${size}`).toBe(0);
    }
    closePair(pair);
  });

  it('writes 1 MiB exactly, and reads it back', () => {
    const pair = connect(fixture(), { a: { regionBytes: 2 * MIB }, b: { regionBytes: MIB } });
    const { bytes } = pair.a.region;
    fill(bytes.subarray(0, MIB));
    expect(run(fixture(), pair.a, writeRequest(pair, 0, MIB)).status).toBe('success');
    expect(Buffer.compare(pair.b.region.bytes, bytes.subarray(0, MIB))).toBe(0);

    const back: WorkRequest = {
      kind: 'read',
      local: { region: pair.a.region, offset: MIB, length: MIB },
      remote: { remoteKey: pair.b.region.remoteKey, offset: 0 },
    };
    const done = run(fixture(), pair.a, back);
    expect(done).toMatchObject({ status: 'success', opcode: 'rdmaRead', byteLength: MIB });
    expect(Buffer.compare(bytes.subarray(MIB), bytes.subarray(0, MIB))).toBe(0);
    closePair(pair);
  });
}

function inlineCases(fixture: () => ProviderFixture): void {
  it('writes inline at 0, 1 and the limit, and takes the bytes at the doorbell', () => {
    const limit = Math.min(64, fixture().devices[0].info.limits.inlineBytesMax);
    const pair = connect(fixture(), { a: { inlineBytesMax: limit } });
    for (const size of [0, 1, limit - 1, limit]) {
      fill(pair.a.region.bytes, size);
      const expected = pair.a.region.bytes.slice(0, size);
      pair.a.post(writeRequest(pair, 0, size, { inline: true }));
      // The buffer is ours again as soon as the doorbell has returned.
      pair.a.region.bytes.fill(0);
      expect(completion(fixture(), pair.a).status).toBe('success');
      expect([...pair.b.region.bytes.subarray(0, size)]).toEqual([...expected]);
    }
    closePair(pair);
  });

  it('refuses to post an inline write above the limit, and sends the same size otherwise', () => {
    const pair = connect(fixture(), { a: { inlineBytesMax: 32 } });
    expect(() => {
      pair.a.queuePair.postSend(writeRequest(pair, 0, 33, { inline: true }));
    }).toThrowError(expect.objectContaining({ code: 'EMSGSIZE' }));
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 33)).status).toBe('success');
    closePair(pair);
  });

  it('reads what is there, at every size', () => {
    const pair = connect(fixture(), { a: { regionBytes: 64_000 }, b: { regionBytes: 64_000 } });
    fill(pair.b.region.bytes, 5);
    for (const size of sizesOf(fixture())) {
      pair.a.region.bytes.fill(0xee);
      const done = run(fixture(), pair.a, readRequest(pair, 16, size));
      expect(done).toMatchObject({ status: 'success', opcode: 'rdmaRead', byteLength: size });
      const expected = new Uint8Array(64_000).fill(0xee);
      expected.set(pair.b.region.bytes.subarray(16, 16 + size), 16);
      expect(Buffer.compare(pair.a.region.bytes, expected), `size ${size}`).toBe(0);
    }
    closePair(pair);
  });

  it('reaches a queue pair of its own device', () => {
    const pair = connect(fixture(), { devices: [0, 0] });
    fill(pair.a.region.bytes);
    expect(run(fixture(), pair.a, writeRequest(pair, 0, 100)).status).toBe('success');
    expect(
      Buffer.compare(pair.b.region.bytes.subarray(0, 100), pair.a.region.bytes.subarray(0, 100)),
    ).toBe(0);
    closePair(pair);
  });
}

function atomicCases(fixture: () => ProviderFixture): void {
  const at = (pair: Pair, offset: number) => ({
    local: { region: pair.a.region, offset: 0, length: 8 },
    remote: { remoteKey: pair.b.region.remoteKey, offset },
  });
  const word = (bytes: Uint8Array, offset: number): bigint =>
    new DataView(bytes.buffer).getBigUint64(offset, true);

  it('swaps when the expected value is there, and answers what it found', () => {
    const pair = connect(fixture());
    new DataView(pair.b.region.bytes.buffer).setBigUint64(16, 0x1122_3344_5566_7788n, true);
    const swap = 0xfedc_ba98_7654_3210n;

    for (const expected of [0x1122_3344_5566_7789n, 0x9122_3344_5566_7788n]) {
      const refused = { kind: 'compareAndSwap', ...at(pair, 16), expected, swap } as const;
      expect(run(fixture(), pair.a, refused)).toMatchObject({ status: 'success' });
      expect(word(pair.a.region.bytes, 0)).toBe(0x1122_3344_5566_7788n);
      expect(word(pair.b.region.bytes, 16)).toBe(0x1122_3344_5566_7788n);
    }
    const expected = 0x1122_3344_5566_7788n;
    const done = run(fixture(), pair.a, {
      kind: 'compareAndSwap',
      ...at(pair, 16),
      expected,
      swap,
    });
    expect(done).toMatchObject({ status: 'success', opcode: 'compareAndSwap', byteLength: 8 });
    expect(word(pair.a.region.bytes, 0)).toBe(expected);
    expect(word(pair.b.region.bytes, 16)).toBe(swap);
    closePair(pair);
  });

  it('adds over all 64 bits, and answers what it found', () => {
    const pair = connect(fixture());
    new DataView(pair.b.region.bytes.buffer).setBigUint64(8, 0xffff_ffffn, true);
    const done = run(fixture(), pair.a, { kind: 'fetchAndAdd', ...at(pair, 8), add: 1n });
    expect(done).toMatchObject({ status: 'success', opcode: 'fetchAndAdd', byteLength: 8 });
    expect(word(pair.a.region.bytes, 0)).toBe(0xffff_ffffn);
    expect(word(pair.b.region.bytes, 8)).toBe(0x1_0000_0000n);

    run(fixture(), pair.a, { kind: 'fetchAndAdd', ...at(pair, 8), add: 0xffff_ffff_ffff_ffffn });
    expect(word(pair.b.region.bytes, 8)).toBe(0xffff_ffffn);
    closePair(pair);
  });

  it('refuses atomics that are not aligned, or not 8 bytes', () => {
    const pair = connect(fixture());
    expect(() => {
      pair.a.queuePair.postSend({
        kind: 'fetchAndAdd',
        ...at(pair, 8),
        local: { region: pair.a.region, offset: 0, length: 4 },
        add: 1n,
      });
    }).toThrowError(expect.objectContaining({ code: 'EINVAL' }));
    const done = run(fixture(), pair.a, { kind: 'fetchAndAdd', ...at(pair, 4), add: 1n });
    // Soft-RoCE's library refuses to post it; on other devices the peer refuses it.
    expect(['remoteInvalidRequest', 'remoteAccessError', 'localQueuePairOperationError']).toContain(
      done.status,
    );
    expect(pair.b.region.bytes.every((byte) => byte === 0)).toBe(true);
    closePair(pair);
  });
}

function offloadCases(fixture: () => ProviderFixture): void {
  it('seals a write with a valid trailer in its last 8 bytes', () => {
    const pair = connect(fixture(), { a: { inlineBytesMax: 64 } });
    for (const size of [8, 9, 40, 64, 1500])
      for (const inline of size <= 64 ? [false, true] : [false]) {
        fill(pair.a.region.bytes, size);
        pair.b.region.bytes.fill(0);
        const done = run(fixture(), pair.a, writeRequest(pair, 24, size, { seal: true, inline }));
        expect(done.status).toBe('success');
        expect(trailerMatches(pair.b.region.bytes, 24, 24 + size), `size ${size}`).toBe(true);
        // The offload stores the trailer, and leaves the payload alone.
        const untouched = new Uint8Array(4096);
        fill(untouched, size);
        expect([...pair.b.region.bytes.subarray(24, 24 + size - 8)]).toEqual([
          ...untouched.subarray(24, 24 + size - 8),
        ]);
        expect(pair.b.region.bytes[24 + size]).toBe(0);
      }
    closePair(pair);
  });
}

function sharedSealCases(fixture: () => ProviderFixture): void {
  for (const end of ['fail', 'close'] as const)
    it(`seals for all targets, also when the queue pair that is to seal cannot send: ${end}`, () => {
      const [own, ...others] = fixture().devices;
      const writer = new Side(own);
      const peers = others.map((device) => new Side(device));
      const queuePairs = peers.map((peer) => {
        join(writer, peer, EVERYTHING);
        return writer.queuePair;
      });
      const targets = {
        queuePairs,
        remoteKeys: Uint32Array.from(peers, ({ region }) => region.remoteKey),
        workRequestIdsHigh: Uint32Array.of(1, 2),
      };
      const write = Opcode.rdmaWrite | SendFlags.signaled;
      fill(writer.region.bytes);
      const { handle } = writer.region;
      writer.ring.postToAll(targets, write | SendFlags.seal, write, handle, 0, 64, 8, 0);
      if (end === 'fail') queuePairs[0].control.fail();
      else queuePairs[0].close();
      writer.ring.doorbell();
      // What was closed completes no more.
      const completing = end === 'fail' ? targets.queuePairs : [queuePairs[1]];
      expect(completing.map(() => completion(fixture(), writer))).toContainEqual(
        expect.objectContaining({ status: 'success', workRequestIdHigh: 2 }),
      );
      expect(trailerMatches(peers[1].region.bytes, 8, 72)).toBe(true);
    });
}

function wakeCases(fixture: () => ProviderFixture): void {
  it('rings the doorbell of the target for a write with `wake`, and only then', () => {
    const pair = connect(fixture());
    const control = new ContextControl(
      fixture().backendOf(pair.b.context.device.name),
      pair.b.context.handle,
    );
    expect(control.waitForWake(0, 0)).toBe(false);
    run(fixture(), pair.a, writeRequest(pair, 0, 8));
    settle(fixture());
    expect(control.waitForWake(0, 0)).toBe(false);
    run(fixture(), pair.a, writeRequest(pair, 0, 8, { wake: true }));
    expect(control.waitForWake(0, 0)).toBe(true);
    expect(control.waitForWake(0, 0)).toBe(false);
    control.wake();
    expect(control.waitForWake(0, 0)).toBe(true);
    closePair(pair);
  });
}
