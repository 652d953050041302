import { mkdtempSync, rmSync } from 'node:fs';
import { bindingProblem, Device, shmBackend, type Backend } from '../../src/index.ts';
import type { ProviderFixture } from './harness.ts';

/** Why `shm` cannot run here; undefined when it can. */
export const shmProblem = process.platform === 'linux' ? bindingProblem() : 'shm needs Linux';

/** A fabric of its own, so that tests meet neither each other nor a running cluster. */
export function makeFabric(): string {
  return mkdtempSync('/dev/shm/mu-test-');
}

export function removeFabric(fabric: string): void {
  rmSync(fabric, { recursive: true, force: true });
}

export function shmDeviceOf(fabric: string, fabricRttNs = 0): { backend: Backend; device: Device } {
  const backend = shmBackend({ fabric, fabricRttNs });
  return { backend, device: new Device(backend, backend.listDevices()[0]) };
}

/** Three devices of this one process, over one fabric, which may have a modelled round trip. */
export function shmFixture(fabric: string, fabricRttNs = 0): ProviderFixture {
  const { backend, device } = shmDeviceOf(fabric, fabricRttNs);
  return {
    devices: [device, device, device],
    // Everything happens inside the doorbell, and a round trip passes by itself; whoever still waits is
    // told by the deadline.
    advance: () => fabricRttNs > 0,
    backendOf: () => backend,
  };
}
