import { describe, expect, it } from 'vitest';
import {
  DEFAULT_TUNING,
  type ProposeOutcome,
  type Replica,
  type TimelineStep,
} from '../../dist/index.js';
import { command, TestGroup } from './group.ts';

/** Nobody is suspected who runs, however late: whoever leads next was told to. */
const PATIENT = { tuning: { ...DEFAULT_TUNING, hardLimitUs: 60_000_000 } };

function others(group: TestGroup, leader: Replica<number>): Replica<number>[] {
  return group.replicas.filter((replica) => replica !== leader);
}

function suspicions(replicas: readonly Replica<number>[]): number {
  return replicas.reduce((sum, replica) => sum + replica.status().counters.suspicions, 0);
}

describe('a transfer of leadership', () => {
  it('goes to the replica that is named, and loses nothing that was under way', async () => {
    await using group = await TestGroup.start(3, PATIENT);
    const leader = await group.leader();
    await leader.propose(command('first'));
    const before = suspicions(group.replicas);
    for (let round = 0; round < 6; round++) {
      const old = await group.leader();
      const [, successor] = others(group, old);
      // With a majority of grants a leader does not wait for the last one.
      await expect.poll(() => old.status().confirmedFollowers).toContain(successor.id);
      const early = ['a', 'b'].map((text) => old.propose(command(`${text}${round}`)));
      const transfer = old.transfer(successor.id);
      const late = old.propose(command(`late${round}`));
      expect(await transfer).toEqual({ kind: 'transferred', to: successor.id });
      expect(old.isLeader).toBe(false);
      const outcomes: ProposeOutcome<number>[] = await Promise.all([...early, late]);
      for (const { kind } of outcomes) expect(['decided', 'notLeader']).toContain(kind);
      expect(await group.leader()).toBe(successor);
      expect((await successor.propose(command(`after${round}`))).kind).toBe('decided');
    }
    expect(suspicions(group.replicas)).toBe(before);
    const [{ applied }] = group.journals;
    await expect
      .poll(() => group.journals.every((one) => one.applied.length === applied.length))
      .toBe(true);
    for (const one of group.journals) expect(one.applied).toEqual(applied);
  });

  it('goes to whoever is up to date when nobody is named', async () => {
    await using group = await TestGroup.start(3, PATIENT);
    const leader = await group.leader();
    const outcome = await leader.transfer();
    if (outcome.kind !== 'transferred') throw new Error(`ended as ${outcome.kind}`);
    expect(others(group, leader).map(({ id }) => id)).toContain(outcome.to);
  });

  it('is refused by a follower, for itself, and where nobody could follow', async () => {
    await using group = await TestGroup.start(3, PATIENT);
    const leader = await group.leader();
    await leader.propose(command('first'));
    const [one] = others(group, leader);
    expect((await one.transfer()).kind).toBe('notLeader');
    const rejected = { kind: 'rejected', reason: 'noSuccessor' };
    expect(await leader.transfer(leader.id)).toEqual(rejected);
    expect(await leader.transfer(8)).toEqual(rejected);
    expect((await leader.propose(command('still'))).kind).toBe('decided');
    await leader.close();
    expect(await leader.transfer()).toEqual({ kind: 'rejected', reason: 'closed' });
  });

  it('comes before a leader is closed: nobody has to suspect it first', async () => {
    await using group = await TestGroup.start(3, PATIENT);
    const leader = await group.leader();
    await leader.propose(command('first'));
    const steps = new Promise<TimelineStep[]>((resolve) => {
      for (const replica of others(group, leader)) {
        const told: TimelineStep[] = [];
        replica.on('timeline', (step) => {
          told.push(step);
          if (step.kind === 'caughtUp') resolve(told);
        });
      }
    });
    await leader.close();
    const atUs = (kind: TimelineStep['kind'], told: TimelineStep[]): number =>
      told.find((step) => step.kind === kind)?.atUs ?? Infinity;
    const told = await steps;
    expect(atUs('requested', told)).toBeLessThan(atUs('suspected', told));
  });
});
