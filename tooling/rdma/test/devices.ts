import { ibverbsBackend, ibverbsDevice } from '../../../packages/verbs/src/index.ts';
import type { ProviderFixture } from '../../../packages/verbs/test/compliance/harness.ts';

/** The guest's three devices. */
export const devices = [
  ibverbsDevice('rxe0'),
  ibverbsDevice('rxe1'),
  ibverbsDevice('rxe2'),
] as const;

/** How long a packet may be on its way on an emulated machine whose threads compete. */
const SETTLE_MS = 30;

const nap = new Int32Array(new SharedArrayBuffer(4));
/** Blocks the thread, as a caller does that waits for a completion. */
function block(ms: number): void {
  Atomics.wait(nap, 0, 0, ms);
}

export const fixture: ProviderFixture = {
  devices,
  advance: () => {
    block(0.05);
    return true;
  },
  settle: () => block(SETTLE_MS),
  backendOf: () => ibverbsBackend(),
};
