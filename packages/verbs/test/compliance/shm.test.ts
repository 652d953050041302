import { readdirSync, existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { providerSuite } from './provider-suite.ts';
import { makeFabric, removeFabric, shmFixture, shmProblem } from './shm-harness.ts';

if (shmProblem !== undefined) {
  describe('shm', () => {
    it.skip(`provider compliance: ${shmProblem}`, () => {});
  });
} else {
  let fabric = '';
  providerSuite('shm', {
    traits: { wakes: true, knowsItsPeer: true, messages: false },
    setup() {
      fabric = makeFabric();
      return shmFixture(fabric);
    },
    teardown() {
      const left = existsSync(fabric) ? readdirSync(fabric) : [];
      removeFabric(fabric);
      expect(left, 'segments that were left behind').toEqual([]);
    },
  });
}
