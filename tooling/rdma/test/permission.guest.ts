import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PermissionManager } from '../../../packages/consensus/src/planes/permission-manager.ts';
import { generationPsn } from '../../../packages/consensus/src/planes/background-lanes.ts';
import {
  AccessFlags,
  ibverbsBackend,
  QueuePairControl,
  SendFlags,
  trailerMatches,
  VerbsError,
  type Backend,
} from '../../../packages/verbs/src/index.ts';
import {
  closeEverything,
  completion,
  Side,
} from '../../../packages/verbs/test/compliance/harness.ts';
import { devices, fixture } from './devices.ts';
import { Writer } from './writer.ts';

const READ = AccessFlags.remoteRead;
const READ_WRITE = READ | AccessFlags.remoteWrite;
const SLOTS = 16;
const ROUNDS = 12;

afterEach(closeEverything);

/** The middle of many measured times, in microseconds. */
function median(times: number[]): number {
  return times.sort((a, b) => a - b)[times.length >> 1] * 1000;
}

function timed(times: number[], work: () => void): void {
  const began = performance.now();
  work();
  times.push(performance.now() - began);
}

describe('a permission switch', () => {
  it('takes the fast path by access flags, and the slow one by a cycle: their costs', () => {
    const [a, b] = [new Side(devices[0]), new Side(devices[1])];
    const [ofA, ofB] = [a.prepare(), b.prepare()];
    ofA.connect(ofB.endpoint, { accessFlags: READ });
    const { control } = ofB.connect(ofA.endpoint, { accessFlags: READ });
    const flags: number[] = [];
    const cycles: number[] = [];
    for (let n = 0; n < 100; n++)
      timed(flags, () => control.modifyAccess(n % 2 === 0 ? READ_WRITE : READ));
    for (let n = 0; n < 50; n++) timed(cycles, () => control.cycle({ accessFlags: READ_WRITE }));
    console.log(
      `    flags ${median(flags).toFixed(0)} µs, cycle ${median(cycles).toFixed(0)} µs (medians)`,
    );
    expect(median(flags)).toBeLessThan(median(cycles));
  });

  it('falls back to the slow path where the device refuses the fast one', () => {
    const [a, b] = [new Side(devices[0]), new Side(devices[1])];
    const [ofA, ofB] = [a.prepare(), b.prepare()];
    const psn = generationPsn(0);
    const first = { receivePacketSequenceNumber: psn, sendPacketSequenceNumber: psn };
    a.queuePair = ofA.connect(ofB.endpoint, { accessFlags: 0, ...first });
    const connected = ofB.connect(ofA.endpoint, { accessFlags: READ, ...first });

    // A device on which flags cannot be changed any more, as the paper saw it happen.
    const real = ibverbsBackend();
    const faulty = Object.create(real, {
      modifyAccess: {
        value: () => {
          throw new VerbsError('ibv_modify_qp', 'EIO', 5, 'injected');
        },
      },
    }) as Backend;
    const incoming = new QueuePairControl(faulty, connected.handle, connected.control.remote);
    const permissions = new PermissionManager(1, () => undefined);
    permissions.connect(0, incoming);
    const request = { sequence: 1, generation: 0 };
    const requests = { requestSequence: () => 1, request: () => request };
    const grants = permissions.handle(requests, () => false);
    expect(grants).toEqual([{ to: 0, sequence: 1 }]);
    expect(permissions.slowSwitches).toBe(1);
    a.region.bytes.fill(7);
    a.post({
      kind: 'write',
      local: { region: a.region, offset: 0, length: 64 },
      remote: { remoteKey: b.region.remoteKey, offset: 0 },
    });
    expect(completion(fixture, a).status).toBe('success');
    expect(b.region.bytes[63]).toBe(7);
  });

  it('answers localLengthError to what is longer than inline allows', () => {
    const [a, b] = [new Side(devices[0]), new Side(devices[1])];
    const [ofA, ofB] = [a.prepare(), b.prepare()];
    a.queuePair = ofA.connect(ofB.endpoint, { accessFlags: 0 });
    ofB.connect(ofA.endpoint, { accessFlags: READ_WRITE });
    // postSend refuses it: this is what a caller of the ring can do.
    const { queuePair, ring, region } = a;
    ring.post(queuePair, SendFlags.inline, region.handle, 0, 999, b.region.remoteKey, 0, 5, 0);
    ring.doorbell();
    expect(completion(fixture, a)).toMatchObject({
      status: 'localLengthError',
      workRequestIdLow: 5,
    });
    expect(queuePair.control.state).toBe('error');
    expect(b.region.bytes.every((byte) => byte === 0)).toBe(true);
  });
});

describe('a revocation under a stream of writes of another process', () => {
  let writer: Writer;
  beforeEach(async () => {
    writer = await Writer.start();
  });
  afterEach(() => writer.end());

  for (const length of [8 + 8, 16 * 1024])
    it(`changes nothing after it has returned, and no torn entry passes: ${length} bytes`, async () => {
      const target = new Side(devices[0], { regionBytes: SLOTS * length });
      const prepared = target.prepare();
      await writer.connect(prepared.endpoint);
      const { control } = prepared.connect(writer.endpoint, { accessFlags: READ_WRITE });
      const { bytes, remoteKey } = target.region;
      let torn = 0;
      let writes = 0;
      for (let round = 1; round <= ROUNDS; round++) {
        bytes.fill(0);
        const ended = writer.stream(remoteKey, length);
        await delay(20 + 3 * round);
        control.modifyAccess(READ);
        const frozen = bytes.slice();
        const { status, acknowledged } = await ended;
        await delay(20);
        expect(status).toMatch(/^remote(InvalidRequest|AccessError)$/);
        expect(Buffer.compare(bytes, frozen), `round ${round}`).toBe(0);
        writes += acknowledged;
        for (let slot = 0; slot < SLOTS; slot++) {
          const entry = bytes.subarray(slot * length, (slot + 1) * length);
          const payload = entry.subarray(0, length - 8);
          const whole = payload.every((byte) => byte === payload[0]);
          if (!whole) torn++;
          // The log applies an entry only when its trailer says that it is whole.
          if (trailerMatches(entry, 0, length)) expect(whole).toBe(true);
        }
        const psn = round * 1000;
        await writer.cycle(psn);
        const numbers = { receivePacketSequenceNumber: psn, sendPacketSequenceNumber: psn };
        control.cycle({ accessFlags: READ_WRITE, ...numbers });
      }
      console.log(
        `    ${writes} writes, ${ROUNDS} revocations, ${torn} torn entries left, none accepted`,
      );
      expect(writes).toBeGreaterThan(ROUNDS);
    }, 60_000);
});
