import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ContextControl,
  ibverbsBackend,
  ibverbsDevice,
  listIbverbsDevices,
} from '../../../packages/verbs/src/index.ts';
import {
  closeEverything,
  completion,
  connect,
  EVERYTHING,
  join,
  READ_ONLY,
  run,
  Side,
  writeRequest,
} from '../../../packages/verbs/test/compliance/harness.ts';
import { providerSuite } from '../../../packages/verbs/test/compliance/provider-suite.ts';
import { devices, fixture } from './devices.ts';

providerSuite('ibverbs', {
  traits: { wakes: false, knowsItsPeer: false, messages: true },
  setup: () => fixture,
  teardown() {},
});

it('lists ports with their RoCE v2 addresses', () => {
  const listed = listIbverbsDevices();
  expect(listed.map(({ name }) => name)).toEqual(['rxe0', 'rxe1', 'rxe2']);
  for (const [n, device] of listed.entries()) {
    expect(device.software).toBe(true);
    expect(device.ports).toMatchObject([{ port: 1, active: true, linkLayer: 'ethernet' }]);
    const v2 = device.ports[0].gids.filter(({ type }) => type === 'RoCE v2');
    expect(v2.map(({ gid }) => gid)).toContain(`0000:0000:0000:0000:0000:ffff:0a09:000${'abc'[n]}`);
  }
});

/** How often the calling thread has asked the kernel to write: Soft-RoCE's library rings by a write. */
function writeCalls(): number {
  const counters = readFileSync('/proc/thread-self/io', 'utf8');
  return Number(/^syscw: (\d+)$/m.exec(counters)?.[1]);
}

describe('a doorbell', () => {
  afterEach(closeEverything);

  it('hands each queue pair all that is its own in one call, however it was posted', () => {
    const [a, b, c] = devices.map((device) => new Side(device, { sendRingDepth: 512 }));
    const queuePairs = [b, c].map((peer) => {
      join(a, peer, EVERYTHING);
      return { queuePair: a.queuePair, peer };
    });
    for (const count of [1, 8, 32, 33, 100]) {
      for (let n = 0; n < count; n++)
        for (const { queuePair, peer } of queuePairs)
          queuePair.postSend(writeRequest({ a, b: peer }, 0, 8));
      const before = writeCalls();
      a.ring.doorbell();
      // The list that a call takes has 32 places.
      expect(writeCalls() - before, `${count} work requests`).toBe(2 * Math.ceil(count / 32));
      for (let n = 0; n < 2 * count; n++) expect(completion(fixture, a).status).toBe('success');
    }
  });
});

describe('a right that is taken away from a queue pair that waits for messages', () => {
  afterEach(closeEverything);

  it('leaves it in ERR, because the reset that a software device needs takes its receives', () => {
    const pair = connect(fixture, { b: { receiveQueueDepth: 2 } });
    const { queuePair, queue, region } = pair.b;
    queuePair.postReceive({ local: { region, offset: 0, length: 8 } });
    queuePair.doorbell();
    queuePair.control.modifyAccess(READ_ONLY);
    expect(completion(fixture, pair.b)).toMatchObject({
      status: 'workRequestFlushed',
      opcode: 'receive',
    });
    expect(queuePair.control.state).toBe('error');
    expect(queue.outstanding).toBe(0);
    pair.a.region.bytes.fill(1);
    expect(run(fixture, pair.a, writeRequest(pair, 0, 8)).status).toBe('retryExceeded');
    expect(region.bytes[0]).toBe(0);
  });
});

describe('completion events', () => {
  afterEach(closeEverything);

  it('end a wait of the context, each time anew', () => {
    const waiting = ibverbsDevice('rxe0', { completionEvents: true });
    const pair = connect({ ...fixture, devices: [waiting, devices[1], devices[2]] });
    const control = new ContextControl(ibverbsBackend(), pair.a.context.handle);
    for (let round = 0; round < 20; round++) {
      expect(control.waitForWake(1000, 0), 'nothing is under way').toBe(false);
      pair.a.post(writeRequest(pair, 8 * round, 8));
      expect(control.waitForWake(5_000_000, 0)).toBe(true);
      expect(pair.a.queue.take()).toMatchObject({ status: 'success', byteLength: 8 });
    }
  });

  it('are not there unless they were asked for', () => {
    const pair = connect(fixture);
    const control = new ContextControl(ibverbsBackend(), pair.a.context.handle);
    expect(run(fixture, pair.a, writeRequest(pair, 0, 8)).status).toBe('success');
    expect(control.waitForWake(1000, 0)).toBe(false);
  });
});
