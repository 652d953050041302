import { expect, it } from 'vitest';
import { listIbverbsDevices } from '../../../packages/verbs/src/index.ts';
import { providerSuite } from '../../../packages/verbs/test/compliance/provider-suite.ts';
import { fixture } from './devices.ts';

providerSuite('ibverbs', {
  traits: { wakes: false, knowsItsPeer: false },
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
