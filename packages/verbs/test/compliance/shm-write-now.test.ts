import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Opcode, SendFlags, shmDevice, type WriteTargets } from '../../src/index.ts';
import {
  closeEverything,
  EVERYTHING,
  join,
  READ_ONLY,
  Side,
  type ProviderFixture,
} from './harness.ts';
import { makeFabric, removeFabric, shmFixture, shmProblem } from './shm-harness.ts';
import { writeNowCases } from './write-now-cases.ts';

const WRITE = Opcode.rdmaWrite | SendFlags.signaled;
const IDS_HIGH = Uint32Array.of(10, 20);

describe.skipIf(shmProblem !== undefined)(`shm, writes at once ${shmProblem ?? ''}`, () => {
  let fabric = '';
  let writer: Side;
  let peers: Side[];
  let targets: WriteTargets;

  /** A queue pair of the writer to each peer. */
  beforeEach(() => {
    fabric = makeFabric();
    const [first, ...others] = shmFixture(fabric).devices;
    writer = new Side(first);
    peers = others.map((device) => new Side(device));
    const queuePairs = peers.map((peer) => {
      const [ours, theirs] = [writer.prepare(), peer.prepare()];
      peer.queuePair = theirs.connect(ours.endpoint, { accessFlags: EVERYTHING });
      return ours.connect(theirs.endpoint, { accessFlags: EVERYTHING });
    });
    const remoteKeys = Uint32Array.from(peers, ({ region }) => region.remoteKey);
    targets = { queuePairs, remoteKeys, workRequestIdsHigh: IDS_HIGH };
  });
  afterEach(() => {
    for (const side of [writer, ...peers]) side.context.close();
    removeFabric(fabric);
  });

  const writeNow = (remoteOffset = 0): number =>
    writer.ring.writeNow(targets, WRITE, WRITE, writer.region.handle, 0, 8, remoteOffset, 7);
  const bytesAt = (peer: number, offset: number): number[] => [
    ...peers[peer].region.bytes.subarray(offset, offset + 8),
  ];
  const ones = new Array<number>(8).fill(1);
  const zeroes = new Array<number>(8).fill(0);

  it('are over when the call returns, without completions', () => {
    expect(writer.ring.immediate).toBe(true);
    writer.region.bytes.fill(1, 0, 8);
    expect(writeNow(16)).toBe(0b11);
    expect([bytesAt(0, 16), bytesAt(1, 16)]).toEqual([ones, ones]);
    expect(writer.queue.poll()).toBe(0);
    expect(writer.queue.outstanding).toBe(0);
    for (let n = 0; n < 1000; n++) expect(writeNow()).toBe(0b11);
  });

  it('leave out a target that refuses, and complete there', () => {
    peers[0].queuePair.control.modifyAccess(READ_ONLY);
    writer.region.bytes.fill(1, 0, 8);
    expect(writeNow()).toBe(0b10);
    expect([bytesAt(0, 0), bytesAt(1, 0)]).toEqual([zeroes, ones]);
    expect(targets.queuePairs.map(({ outstanding }) => outstanding)).toEqual([1, 0]);
    expect(writer.queue.take()).toMatchObject({
      workRequestIdLow: 7,
      workRequestIdHigh: 10,
      status: 'remoteInvalidRequest',
    });
    expect(writer.queue.outstanding).toBe(0);
  });

  it('complete later where a round trip is modelled', () => {
    const modelled = new Side(shmDevice({ fabric, fabricRttNs: 1000 }));
    expect(modelled.ring.immediate).toBe(false);
    join(modelled, peers[0], EVERYTHING);
    const one = { ...targets, queuePairs: [modelled.queuePair] };
    modelled.region.bytes.fill(3, 0, 8);
    expect(modelled.ring.writeNow(one, WRITE, WRITE, modelled.region.handle, 0, 8, 0, 7)).toBe(0);
    expect(modelled.queuePair.outstanding).toBe(1);
    while (modelled.queue.poll() === 0);
    expect(modelled.queue.take()).toMatchObject({ status: 'success', workRequestIdLow: 7 });
    expect(modelled.queuePair.outstanding).toBe(0);
    expect(bytesAt(0, 0)).toEqual(new Array<number>(8).fill(3));
    modelled.context.close();
  });

  it('take their round trip, counted from the doorbell', () => {
    const ROUND_TRIP_MS = 20;
    const modelled = new Side(shmDevice({ fabric, fabricRttNs: ROUND_TRIP_MS * 1e6 }));
    join(modelled, peers[0], EVERYTHING);
    const { ring, queue, region, queuePair } = modelled;
    const { remoteKey } = peers[0].region;
    modelled.region.bytes.fill(5, 0, 8);
    const begin = performance.now();
    ring.post(queuePair, WRITE, region.handle, 0, 8, remoteKey, 0, 1, 0);
    ring.doorbell();
    const rung = performance.now();
    // The bytes are there, and nobody is told.
    expect(bytesAt(0, 0)).toEqual(new Array<number>(8).fill(5));
    if (performance.now() - begin < ROUND_TRIP_MS) expect(queue.waiting).toBe(0);
    while (queue.poll() === 0) expect(performance.now() - rung).toBeLessThan(50 * ROUND_TRIP_MS);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(ROUND_TRIP_MS);
    modelled.context.close();
  });

  it('are refused on a queue pair that was closed', () => {
    targets.queuePairs[1].close();
    expect(() => writeNow()).toThrowError(/EBADF/);
  });
});

describe.skipIf(shmProblem !== undefined)('shm, with a modelled round trip', () => {
  let fabric = '';
  let fixture: ProviderFixture;
  beforeEach(() => {
    fabric = makeFabric();
    fixture = shmFixture(fabric, 1000);
  });
  afterEach(() => {
    closeEverything();
    removeFabric(fabric);
  });

  writeNowCases(() => fixture);
});
