import { afterEach, beforeEach, describe } from 'vitest';
import { dataCases } from './data-cases.ts';
import { datagramCases } from './datagram-cases.ts';
import { doorbellCases } from './doorbell-cases.ts';
import { closeEverything, type ProviderFixture, type ProviderHooks } from './harness.ts';
import { lifetimeCases } from './lifetime-cases.ts';
import { messageCases } from './message-cases.ts';
import { noMessageCases } from './no-message-cases.ts';
import { ownContextCases } from './own-context-cases.ts';
import { permissionCases } from './permission-cases.ts';
import { queueCases } from './queue-cases.ts';
import { revocationCases } from './revocation-cases.ts';
import { stateCases } from './state-cases.ts';
import { unreliableCases } from './unreliable-cases.ts';
import { writeNowCases } from './write-now-cases.ts';

/** The contract of a provider; the same cases for `sim`, `shm` and `ibverbs`. */
export function providerSuite(name: string, hooks: ProviderHooks): void {
  describe(`${name}: provider compliance`, () => {
    let current: ProviderFixture | undefined;
    const fixture = (): ProviderFixture => {
      if (current === undefined) throw new Error('no fixture outside a test');
      return current;
    };
    beforeEach(async () => {
      current = await hooks.setup();
    });
    afterEach(async () => {
      closeEverything();
      if (current !== undefined) await hooks.teardown(current);
      current = undefined;
    });

    dataCases(fixture, hooks.traits);
    writeNowCases(fixture);
    queueCases(fixture);
    doorbellCases(fixture);
    if (hooks.traits.messages) {
      messageCases(fixture);
      unreliableCases(fixture);
      datagramCases(fixture);
    } else {
      noMessageCases(fixture);
    }
    permissionCases(fixture);
    revocationCases(fixture);
    stateCases(fixture, hooks.traits);
    lifetimeCases(fixture);
    ownContextCases(fixture);
  });
}
