import { describe, expect, it } from 'vitest';
import { Device } from '../../src/index.ts';
import {
  closePair,
  connect,
  EVERYTHING,
  run,
  Side,
  writeRequest,
  type ProviderFixture,
} from './harness.ts';

const refusal = (code: string) => expect.objectContaining({ name: 'VerbsError', code });

/** Opening, connecting and closing in every order. */
export function lifetimeCases(fixture: () => ProviderFixture): void {
  describe('lifetimes', () => {
    it('lists devices with their limits', () => {
      for (const device of fixture().devices) {
        const { limits } = device.info;
        const { receiveQueueDepthMax, ...others } = limits;
        for (const value of Object.values(others)) expect(value).toBeGreaterThan(0);
        expect(receiveQueueDepthMax).toBeGreaterThanOrEqual(0);
        expect(fixture().backendOf(device.name).listDevices()).toContainEqual(device.info);
      }
    });

    it('refuses to open a device that is not there', () => {
      const [device] = fixture().devices;
      const backend = fixture().backendOf(device.name);
      const ghost = new Device(backend, { ...device.info, name: 'no-such-device' });
      expect(() => ghost.open()).toThrowError(refusal('ENODEV'));
    });

    closeCases(fixture);
    connectCases(fixture);

    it('gives zeroed memory, the same bytes to every view, and refuses impossible sizes', () => {
      const side = new Side(fixture().devices[0], { regionBytes: 100 });
      expect(side.region.bytes.length).toBe(100);
      expect(side.region.bytes.every((byte) => byte === 0)).toBe(true);
      const other = fixture().backendOf(side.context.device.name).openMemory(side.region.handle);
      side.region.bytes[99] = 7;
      expect(new Uint8Array(other)[99]).toBe(7);
      const { regionBytesMax } = side.context.device.limits;
      for (const bytes of [0, -1, 1.5, regionBytesMax + 1])
        expect(() => side.domain.allocateMemory(bytes, EVERYTHING)).toThrowError(refusal('EINVAL'));
      side.context.close();
    });
  });
}

function closeCases(fixture: () => ProviderFixture): void {
  it('closes children before parents, whichever parent is closed', () => {
    for (const parent of ['context', 'domain', 'queue', 'ring'] as const) {
      const pair = connect(fixture());
      pair.a[parent].close();
      expect(pair.a.queuePair.closed, parent).toBe(true);
      expect(pair.a.region.closed).toBe(parent === 'context' || parent === 'domain');
      closePair(pair);
      expect(pair.a.context.closed).toBe(true);
    }
  });

  it('may be closed twice, in any order', () => {
    const pair = connect(fixture());
    pair.a.queuePair.close();
    pair.a.queuePair.close();
    pair.a.context.close();
    pair.a.domain.close();
    pair.a.context.close();
    pair.a.region[Symbol.dispose]();
    pair.b.context.close();
  });

  it('refuses use after close', () => {
    const pair = connect(fixture());
    const write = writeRequest(pair, 0, 8);
    pair.a.queuePair.close();
    expect(() => {
      pair.a.queuePair.postSend(write);
    }).toThrowError(refusal('EBADF'));
    pair.a.domain.close();
    expect(() => pair.a.prepare()).toThrowError(refusal('EBADF'));
    expect(() => pair.a.domain.allocateMemory(8, EVERYTHING)).toThrowError(refusal('EBADF'));
    pair.a.context.close();
    expect(() => pair.a.context.allocateProtectionDomain()).toThrowError(refusal('EBADF'));
    expect(() => pair.a.context.createCompletionQueue(8)).toThrowError(refusal('EBADF'));
    expect(() => pair.a.context.createSendRing(8)).toThrowError(refusal('EBADF'));
    expect(pair.a.queue.take()).toBeUndefined();
    pair.b.context.close();
  });

  it('refuses local bytes of a region that was closed', () => {
    const pair = connect(fixture());
    const spare = pair.a.domain.allocateMemory(64, EVERYTHING);
    spare.close();
    const done = run(fixture(), pair.a, {
      kind: 'write',
      local: { region: spare, offset: 0, length: 8 },
      remote: { remoteKey: pair.b.region.remoteKey, offset: 0 },
    });
    expect(done.status).toBe('localProtectionError');
    closePair(pair);
  });

  it('opens again after it was closed', () => {
    for (let n = 0; n < 3; n++) {
      const pair = connect(fixture());
      pair.a.region.bytes.fill(n + 1);
      expect(run(fixture(), pair.a, writeRequest(pair, 0, 64)).status).toBe('success');
      expect(pair.b.region.bytes[63]).toBe(n + 1);
      closePair(pair);
    }
  });
}

function connectCases(fixture: () => ProviderFixture): void {
  it('connects once', () => {
    const a = new Side(fixture().devices[0]);
    const b = new Side(fixture().devices[1]);
    const prepared = a.prepare();
    const { endpoint } = b.prepare();
    prepared.connect(endpoint, { accessFlags: EVERYTHING });
    expect(() => prepared.connect(endpoint, { accessFlags: EVERYTHING })).toThrowError(
      refusal('EBADF'),
    );
    closePair({ a, b });
  });

  it('refuses endpoints of another provider, and can still connect afterwards', () => {
    const a = new Side(fixture().devices[0]);
    const b = new Side(fixture().devices[1]);
    const ofA = a.prepare();
    const ofB = b.prepare();
    const foreign = ofB.endpoint.provider === 'sim' ? 'shm' : 'sim';
    expect(() =>
      ofA.connect({ ...ofB.endpoint, provider: foreign }, { accessFlags: EVERYTHING }),
    ).toThrowError(refusal('EINVAL'));
    // Endpoints travel as JSON.
    const travelled = JSON.parse(JSON.stringify(ofA.endpoint)) as typeof ofA.endpoint;
    a.queuePair = ofA.connect(ofB.endpoint, { accessFlags: EVERYTHING });
    b.queuePair = ofB.connect(travelled, { accessFlags: EVERYTHING });
    expect(run(fixture(), a, writeRequest({ a, b }, 0, 8)).status).toBe('success');
    closePair({ a, b });
  });

  it('refuses queue pairs beyond the limits of the device', () => {
    const side = new Side(fixture().devices[0]);
    const { sendQueueDepthMax, inlineBytesMax } = side.context.device.limits;
    const queues = { sendRing: side.ring, sendCompletionQueue: side.queue };
    for (const sendQueueDepth of [0, -1, 1.5, sendQueueDepthMax + 1])
      expect(() => side.domain.createQueuePair({ ...queues, sendQueueDepth })).toThrowError(
        refusal('EINVAL'),
      );
    expect(() =>
      side.domain.createQueuePair({ ...queues, inlineBytesMax: inlineBytesMax + 1 }),
    ).toThrowError(refusal('EINVAL'));
    side.context.close();
  });
}
