import { expect, it } from 'vitest';
import { ibverbsBackend, ibverbsDevice, listIbverbsDevices } from '../../src/index.ts';
import type { ProviderFixture } from './harness.ts';
import { providerSuite } from './provider-suite.ts';

/** How long a packet may be on its way on an emulated machine whose threads compete. */
const SETTLE_MS = 30;

const nap = new Int32Array(new SharedArrayBuffer(4));
/** Blocks the thread, as a caller does that waits for a completion. */
function block(ms: number): void {
  Atomics.wait(nap, 0, 0, ms);
}

const backend = ibverbsBackend();
const devices = [ibverbsDevice('rxe0'), ibverbsDevice('rxe1'), ibverbsDevice('rxe2')] as const;

providerSuite('ibverbs', {
  traits: { wakes: false, knowsItsPeer: false },
  setup(): ProviderFixture {
    return {
      devices,
      advance: () => {
        block(0.05);
        return true;
      },
      settle: () => block(SETTLE_MS),
      backendOf: () => backend,
    };
  },
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
