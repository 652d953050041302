import { Device, SimFabric, type Backend } from '../../src/index.ts';
import type { ProviderFixture } from './harness.ts';
import { providerSuite } from './provider-suite.ts';

for (const [name, tearProbability] of [
  ['sim', 0.25],
  ['sim, every write torn', 0.95],
] as const) {
  let seed = 0;
  providerSuite(name, {
    traits: { wakes: true, knowsItsPeer: true, messages: false },
    setup(): ProviderFixture {
      const fabric = new SimFabric({ seed: ++seed, faults: { tearProbability } });
      const device = (host: string): Device => {
        const backend: Backend = fabric.backend(host);
        return new Device(backend, backend.listDevices()[0]);
      };
      return {
        devices: [device('alpha'), device('beta'), device('gamma')],
        advance: () => fabric.step(),
        backendOf: (host) => fabric.backend(host),
      };
    },
    teardown() {},
  });
}
