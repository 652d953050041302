import { describe, expect, it } from 'vitest';
import { Double } from '@mu-smr/consensus/planes';
import type { SimReplica } from '../../src/sim-replica.ts';
import { Scenario } from '../../src/scenarios/scenario.ts';

// protocol.md, "Defects of the published C++ code": each of these scenarios is a test of ours.
describe('defect 1: leader change waits for all replicas', () => {
  it('a dead follower never stops commits, over three wraps of the ring', () => {
    const scenario = new Scenario();
    const leader = scenario.leader();
    scenario.decide(leader, 5);
    scenario.replica(2).crash();
    // 128 bytes an entry, 4096 bytes a ring.
    scenario.decide(leader, 100);
    expect(leader.replication.fastPath.decided).toBeGreaterThan(3 * 4096);
    expect(scenario.cluster.leaders).toEqual([leader]);
  });

  it('a dead leader is followed by another, which loses nothing', () => {
    const scenario = new Scenario();
    const leader = scenario.leader();
    scenario.decide(leader, 5);
    leader.crash();
    const next = scenario.leader();
    scenario.decide(next, 5);
    scenario.until(() => scenario.agree(10));
  });

  it('a stopped leader is followed by another, and is a follower when it goes on', () => {
    const scenario = new Scenario();
    const leader = scenario.leader();
    scenario.decide(leader, 5);
    leader.pause('continues');
    const next = scenario.leader(leader);
    scenario.decide(next, 5);
    leader.resume();
    scenario.until(() => !leader.replication.leading && scenario.agree(10));
    expect(scenario.cluster.leaders).toEqual([next]);
  });
});

// "propose() that adopts an older value returns success for a request it never proposed"
describe('defect 2: adoption taken for success', () => {
  it('adopts what the old leader wrote, and answers only for its own', () => {
    let cutAfter: SimReplica | undefined;
    const scenario = new Scenario(
      {},
      {
        // The leader stops between the entry's last byte in a follower's log and its completion.
        wrote: (target, source, event) => {
          if (source !== cutAfter || target === source || !event.last || event.offset < 4096)
            return;
          source.pause('stops');
          cutAfter = undefined;
        },
      },
    );
    const leader = scenario.leader();
    scenario.decide(leader, 3);
    cutAfter = leader;
    const old = scenario.propose(leader);
    scenario.until(() => leader.paused);

    const next = scenario.leader(leader);
    const own = scenario.propose(next);
    scenario.until(() => own.outcome !== undefined);
    expect(own.outcome).toMatchObject({ kind: 'decided', result: own.id });

    leader.resume();
    scenario.until(() => old.outcome !== undefined);
    // Decided by another than it was proposed to: its proposer cannot know.
    expect(old.outcome).toMatchObject({ kind: 'unknown' });
    scenario.until(() => scenario.agree(5));
  });
});

// "After a pause and resume the prepare phase can be skipped"
describe('defect 3: prepare skipped after a pause', () => {
  it('a leader that stops and goes on, again and again, overwrites nothing', () => {
    const scenario = new Scenario();
    let decided = 0;
    for (let round = 0; round < 6; round++) {
      const leader = scenario.leader();
      scenario.decide(leader, 4);
      decided += 4;
      leader.pause(round % 2 === 0 ? 'stops' : 'continues');
      const next = scenario.leader(leader);
      scenario.decide(next, 4);
      decided += 4;
      leader.resume();
      scenario.until(() => scenario.agree(decided));
    }
  });
});

// "The recycling check cannot be reached on the fast path, the log is overrun"; "Recycling is stop-the-world"
describe('defects 4 and 5: recycling', () => {
  it('wraps ten times on the fast path without an overrun, and without a pause', () => {
    const scenario = new Scenario();
    const leader = scenario.leader();
    const tickUs = 75;
    let longestUs = 0;
    const firstUs = scenario.cluster.nowUs;
    while (leader.replication.fastPath.decided < 10 * 4096) {
      const beginUs = scenario.cluster.nowUs;
      scenario.decide(leader);
      longestUs = Math.max(longestUs, scenario.cluster.nowUs - beginUs);
    }
    // A leader whose ring is full waits for its followers: they apply, tell it, are told what is released,
    // zero it, and tell it again. Eight hops of a tick or two, never more, and less in the mean.
    expect(longestUs).toBeLessThan(16 * tickUs);
    expect((scenario.cluster.nowUs - firstUs) / 10).toBeLessThan(12 * tickUs);
    for (const replica of scenario.cluster.replicas)
      expect(replica.link.offset(Double.head)).toBeGreaterThan(8 * 4096);
  });
});

// "No fate sharing": a heartbeat must not speak for a replication plane that is stuck.
describe('defect 6: a stuck leader stays', () => {
  it('is replaced while its background plane lives', () => {
    const scenario = new Scenario();
    const leader = scenario.leader();
    scenario.decide(leader, 3);
    leader.block('replication', 1e12);
    const next = scenario.leader(leader);
    scenario.decide(next, 3);
    leader.unblock();
    scenario.until(() => !leader.replication.leading && scenario.agree(6));
  });
});

// "Outstanding limit: a follower 128 writes behind fails the leader's post"
describe('defect 11: a follower far behind', () => {
  it('does not fail the leader’s post, and comes back', () => {
    const scenario = new Scenario();
    const leader = scenario.leader();
    const slow = { minNs: 900_000, maxNs: 1_000_000 };
    scenario.cluster.fabric.setLinkFaults('r0', 'r2', { requestDelayNs: slow });
    const posted = Array.from({ length: 600 }, () => scenario.propose(leader, 8));
    scenario.until(() => posted.every(({ outcome }) => outcome?.kind === 'decided'), 200_000);
    scenario.cluster.fabric.setLinkFaults('r0', 'r2', {
      requestDelayNs: { minNs: 500, maxNs: 1500 },
    });
    const { applied } = leader.replication.replayer;
    const behind = scenario.replica(2);
    // What the ring still holds it gets from the leader; beyond, it waits for a state transfer.
    scenario.until(
      () =>
        behind.replication.replayer.applied >= applied ||
        behind.replication.replayer.known < leader.link.offset(Double.head),
    );
  });
});
