import { describe, expect, it } from 'vitest';
import { drawSpec, explain, minimise, runSpec, type RunSpec } from '../src/index.ts';

/** Nobody can become leader: grants take longer than anybody waits for them. */
function hopeless(seed: number): RunSpec {
  const spec = drawSpec(seed, 'all');
  const tuning = { ...spec.cluster.tuning, grantTimeoutUs: 1, grantGraceUs: 0 };
  return { ...spec, cluster: { ...spec.cluster, tuning } };
}

// "Failing seed → minimised trace that a person can read."
describe('minimise', () => {
  it('leaves nothing of a run that is not needed to break the rule', () => {
    const spec = hopeless(7);
    expect(spec.schedule.length).toBeGreaterThan(3);
    const minimised = minimise(spec, { seconds: 30 });
    expect(minimised?.violation.invariant).toBe(runSpec(spec).violation?.invariant);
    expect(minimised?.spec).toMatchObject({
      schedule: [],
      fabric: 'none',
      workload: { clients: 1 },
    });
  });

  it('gives a run that fails again in the same way', () => {
    const minimised = minimise(hopeless(2), { seconds: 30 });
    expect(minimised).toBeDefined();
    if (minimised === undefined) return;
    const again = runSpec(minimised.spec).violation;
    expect(again?.message).toBe(minimised.violation.message);
    expect(again?.step).toBe(minimised.violation.step);
  });

  it('has nothing to say of a seed that breaks nothing', () => {
    expect(minimise(drawSpec(1, 'all'), { seconds: 30 })).toBeUndefined();
    expect(explain(1, 'all', { seconds: 30 })).toEqual([]);
  });
});
