import { describe, expect, it } from 'vitest';
import { runSeed } from '../src/index.ts';

// Beyond the two thousand of `.ci/run`: each failed once, as docs/internals/track-record.md tells.
describe('seeds that failed once', () => {
  it.each([2674, 2924, 3345, 3380])('seed %i', (seed) => {
    expect(runSeed(seed, { faults: 'all' }).violation).toBeUndefined();
  });
});
