import type { Divergence } from '@mu-smr/consensus';
import { describe, expect, it } from 'vitest';
import { stateThatGoesAstray } from '../../src/scenarios/index.ts';
import { Scenario } from '../../src/scenarios/scenario.ts';

/** A cluster that compares states, and who told of a difference. */
function watched(intervalBytes: number): { scenario: Scenario; told: [number, Divergence][] } {
  const told: [number, Divergence][] = [];
  const scenario = new Scenario(
    {},
    { diverged: (replica, divergence) => void told.push([replica.id, divergence]) },
    intervalBytes,
  );
  return { scenario, told };
}

// protocol.md, faults: "apply is not deterministic (state hash catches it)".
describe('a state that goes astray', () => {
  it('is seen at the follower that it happened to', () => {
    const { scenario, told } = watched(1000);
    const leader = scenario.leader();
    const stray = scenario.replica((leader.id + 1) % 3);
    scenario.decide(leader, 30);
    expect(told).toEqual([]);
    stray.machine.astray = true;
    scenario.decide(leader, 30);
    expect(told.length).toBeGreaterThan(0);
    for (const [id, { by }] of told) expect([id, by]).toEqual([stray.id, leader.id]);
  });

  it('is seen in the scenario that mutants run', stateThatGoesAstray);

  it('is seen by the followers when it is the leader', () => {
    const { scenario, told } = watched(1000);
    const leader = scenario.leader();
    leader.machine.astray = true;
    scenario.decide(leader, 40);
    const ids = new Set(told.map(([id]) => id));
    expect(ids).toEqual(new Set([0, 1, 2].filter((id) => id !== leader.id)));
  });

  it('is seen under the next leader, too', () => {
    const { scenario, told } = watched(1000);
    const first = scenario.leader();
    scenario.decide(first, 10);
    first.crash();
    const second = scenario.leader(first);
    const follower = scenario.replica(3 - first.id - second.id);
    follower.machine.astray = true;
    scenario.decide(second, 40);
    expect(told.length).toBeGreaterThan(0);
    expect(told[0]).toMatchObject([follower.id, { by: second.id }]);
  });

  it('is not looked for when nobody asks for it', () => {
    const { scenario, told } = watched(0);
    const leader = scenario.leader();
    leader.machine.astray = true;
    scenario.decide(leader, 40);
    expect(told).toEqual([]);
  });
});
