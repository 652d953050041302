import { describe, expect, it } from 'vitest';
import { runSeed, simulate, traceOf } from '../src/index.ts';

const SEEDS = 200;

// protocol.md, "Invariants (checked after every simulated step)", and its liveness rules L1-L6.
describe('seeds', () => {
  it(`${SEEDS} clusters with faults keep every invariant, and recover`, () => {
    const report = simulate({ seeds: SEEDS, first: 1, faults: 'all' });
    expect(report.violations).toEqual([]);
    expect(report).toMatchObject({ seeds: SEEDS, first: 1, livenessFailures: 0 });
    expect(report.steps).toBeGreaterThan(SEEDS * 1000);
  });

  it('clusters without faults keep every invariant, too', () => {
    expect(simulate({ seeds: 20, first: 1, faults: 'none' }).violations).toEqual([]);
  });

  it('a seed does enough to mean something', () => {
    const { decided, reads } = runSeed(2, { faults: 'none' });
    expect(decided).toBeGreaterThan(100);
    expect(reads).toBeGreaterThan(10);
  });
});

// The sim provider is deterministic; a failure is repeated by naming its seed.
describe('determinism', () => {
  it.each([1, 7, 42])('seed %i gives the same trace twice', (seed) => {
    const first = runSeed(seed, { faults: 'all', trace: 'lines' });
    const second = runSeed(seed, { faults: 'all', trace: 'lines' });
    expect(second.trace?.lines.length).toBe(first.trace?.lines.length);
    expect(second.trace?.hash).toBe(first.trace?.hash);
  });

  it('different seeds give different traces', () => {
    expect(traceOf(1)).not.toEqual(traceOf(2));
  });
});
