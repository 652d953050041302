import {
  AccessFlags,
  CompletionEntry,
  Opcode,
  SendFlags,
  WorkCompletionStatus,
  type WorkCompletionStatusName,
} from '@mu-smr/verbs';
import { Int, LaneOwner, type Lane } from '@mu-smr/consensus/planes';
import { describe, expect, it } from 'vitest';
import { LanePurpose, laneTag } from '../../../consensus/src/planes/lane.ts';
import { Scenario } from '../../src/scenarios/scenario.ts';
import type { SimReplica } from '../../src/sim-replica.ts';

const WRITE = Opcode.rdmaWrite | SendFlags.signaled;

/** A leader that has decided something, and the lane to one of its followers. */
function leading(replicas = 3) {
  const scenario = new Scenario({ replicas });
  const leader = scenario.leader();
  scenario.decide(leader, 5);
  const follower = scenario.replica((leader.id + 1) % replicas);
  const lane = leader.replicationAssembly.lanes[follower.id];
  if (lane === undefined) throw new Error('a leader without a lane to its follower');
  return { scenario, leader, follower, lane, epoch: leader.link.int(Int.epoch) };
}

/** Posts what no leader posts, as an entry of this epoch: the provider itself finds it wrong. */
function postWrong(
  leader: SimReplica,
  { to, queuePair, logKey }: Lane,
  wrong: { opcodeAndFlags?: number; region?: number; remoteKey?: number; remoteOffset?: number },
): void {
  const { sendRing, memory } = leader.replicationAssembly;
  const tag = laneTag(to, LanePurpose.entry, leader.link.int(Int.epoch));
  const { opcodeAndFlags = WRITE, region = memory.staging.handle, remoteKey = logKey } = wrong;
  sendRing.post(
    queuePair,
    opcodeAndFlags,
    region,
    0,
    64,
    remoteKey,
    wrong.remoteOffset ?? 0,
    0,
    tag,
  );
  sendRing.doorbell();
}

/** Whether a lane was handed back: its follower gets nothing until it has granted permission again. */
function dropped(leader: SimReplica, { to }: Lane): boolean {
  return leader.link.int(Int.lane, to) === LaneOwner.background;
}

/** Statuses that the plane of a replica is told of from here on. */
function statusesOf(leader: SimReplica): WorkCompletionStatusName[] {
  const seen: WorkCompletionStatusName[] = [];
  const queue = leader.replicationAssembly.completionQueue;
  const consume = queue.consume.bind(queue);
  const names = Object.keys(WorkCompletionStatus) as WorkCompletionStatusName[];
  queue.consume = (count) => {
    for (let n = 0; n < count; n++) {
      const status = queue.word(n, CompletionEntry.status);
      if (status !== 0) seen.push(names[status]);
    }
    consume(count);
  };
  return seen;
}

// docs/internals/providers.md: the table of what comes back, and what consensus makes of it.
describe('a follower is dropped, and the epoch goes on, after', () => {
  const WRONG = [
    ['localLengthError', { opcodeAndFlags: WRITE | SendFlags.inline }],
    ['localProtectionError', { region: 0 }],
    ['localQueuePairOperationError', { opcodeAndFlags: 9 | SendFlags.signaled }],
  ] as const;
  for (const [status, wrong] of WRONG)
    it(status, () => {
      const { scenario, leader, lane, epoch } = leading();
      // What is on its way would be flushed first.
      scenario.until(() => lane.queuePair.outstanding === 0);
      const seen = statusesOf(leader);
      postWrong(leader, lane, wrong);
      scenario.until(() => dropped(leader, lane));
      expect(seen[0]).toBe(status);
      scenario.decide(leader, 5);
      expect(leader.link.int(Int.epoch)).toBe(epoch);
      // It asks for the permission again, and the follower gets everything.
      scenario.until(() => scenario.agree(10), 200_000);
    });

  it('workRequestFlushed', () => {
    const { scenario, leader, lane, epoch } = leading();
    const seen = statusesOf(leader);
    lane.queuePair.control.fail();
    const proposed = scenario.propose(leader);
    scenario.until(() => dropped(leader, lane));
    expect(seen[0]).toBe('workRequestFlushed');
    scenario.until(() => proposed.outcome?.kind === 'decided');
    scenario.decide(leader, 4);
    expect(leader.link.int(Int.epoch)).toBe(epoch);
    scenario.until(() => scenario.agree(10), 200_000);
  });

  it('retryExceeded', () => {
    const { scenario, leader, follower, lane, epoch } = leading();
    const seen = statusesOf(leader);
    follower.crash();
    // Nothing waits for the follower meanwhile.
    scenario.decide(leader, 5);
    expect(seen).toEqual([]);
    scenario.until(() => dropped(leader, lane), 2_000_000);
    expect(seen).toContain('retryExceeded');
    scenario.decide(leader, 5);
    expect(leader.link.int(Int.epoch)).toBe(epoch);
    scenario.until(() => scenario.agree(15), 200_000);
  });
});

describe('the epoch ends after', () => {
  it('remoteAccessError', () => {
    const { scenario, leader, lane, epoch } = leading();
    const seen = statusesOf(leader);
    postWrong(leader, lane, { remoteKey: lane.logKey ^ 0x55 });
    scenario.until(() => seen.length > 0);
    expect(seen[0]).toBe('remoteAccessError');
    scenario.until(() => leader.link.int(Int.epoch) !== epoch || !leader.replication.leading);
    // Nothing that was acknowledged is lost, and the group serves again.
    scenario.decide(scenario.leader(), 5);
    scenario.until(() => scenario.agree(10), 200_000);
  });

  it('remoteInvalidRequest', () => {
    const { scenario, leader, follower, epoch } = leading();
    const seen = statusesOf(leader);
    follower.replicationAssembly.incoming(leader.id).modifyAccess(AccessFlags.remoteRead);
    const proposed = scenario.propose(leader);
    scenario.until(() => seen.length > 0);
    expect(seen[0]).toBe('remoteInvalidRequest');
    scenario.until(() => leader.link.int(Int.epoch) !== epoch || !leader.replication.leading);
    scenario.until(() => proposed.outcome !== undefined);
    scenario.decide(scenario.leader(), 1);
  });

  it('retryExceeded, when no majority is left', () => {
    const { scenario, leader, follower } = leading();
    follower.crash();
    scenario.replica(3 - leader.id - follower.id).crash();
    const proposed = scenario.propose(leader);
    scenario.until(() => proposed.outcome !== undefined, 2_000_000);
    expect(proposed.outcome?.kind).toBe('unknown');
    expect(leader.replication.leading).toBe(false);
  });
});

describe('a completion queue', () => {
  it('has a place for everything that all lanes together may have outstanding', () => {
    for (const replicas of [3, 5, 9]) {
      const { leader } = leading(replicas);
      const { completionQueue, lanes } = leader.replicationAssembly;
      const depths = lanes.map((lane) => lane?.queuePair.sendQueueDepth ?? 0);
      const places = depths.reduce((sum, depth) => sum + depth, 0);
      expect(places).toBeGreaterThan(0);
      expect(completionQueue.depth).toBeGreaterThanOrEqual(places);
    }
  });

  it('is never near its end, however many commands wait for a follower that is silent', () => {
    const { scenario, leader, follower } = leading();
    const { completionQueue, lanes } = leader.replicationAssembly;
    follower.paused = true;
    let most = 0;
    const all = Array.from({ length: 600 }, () => scenario.propose(leader));
    scenario.until(() => {
      most = Math.max(most, completionQueue.outstanding);
      for (const lane of lanes)
        if (lane !== undefined)
          expect(lane.queuePair.outstanding).toBeLessThan(lane.queuePair.sendQueueDepth);
      return all.every(({ outcome }) => outcome !== undefined);
    }, 2_000_000);
    expect(most).toBeGreaterThan(0);
    expect(all.every(({ outcome }) => outcome?.kind === 'decided')).toBe(true);
  });
});
