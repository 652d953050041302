import { EntryKind } from '@mu-smr/log';
import { Double } from '@mu-smr/consensus/planes';
import { makeCommand } from '../command.ts';
import type { SimReplica } from '../sim-replica.ts';
import { Scenario, type Proposed } from './scenario.ts';

const CALM = { minNs: 500, maxNs: 1500 };

/**
 * A write that is under way when its leader loses the epoch must not land in the leader's next one:
 * another leader may have decided something else there in between.
 */
export function delayedWriteOfAnOldEpoch(): void {
  const scenario = new Scenario();
  const { fabric } = scenario.cluster;
  const leader = scenario.leader();
  scenario.decide(leader, 3);
  scenario.run(500);

  // Its write to r2 takes long; r1 leads meanwhile, decides with r2, and cannot tell r0.
  fabric.setLinkFaults('r0', 'r2', { requestDelayNs: { minNs: 9_000_000, maxNs: 9_000_000 } });
  fabric.setLinkFaults('r0', 'r1', { requestDelayNs: { minNs: 900_000, maxNs: 900_000 } });
  const lost = scenario.propose(leader);
  scenario.run(20);
  fabric.partition('r1', 'r0');
  leader.block('background', 2_500_000);
  const other = scenario.leader(leader);
  scenario.decide(other, 2);
  scenario.until(() => !leader.replication.leading);
  other.crash();

  fabric.setLinkFaults('r0', 'r1', { requestDelayNs: CALM });
  fabric.setLinkFaults('r0', 'r2', { requestDelayNs: CALM });
  const next = scenario.leader();
  scenario.decide(next, 3);
  scenario.run(12_000);
  scenario.until(() => lost.outcome !== undefined);
  scenario.until(() => scenario.agree(8) || scenario.agree(9));
}

/**
 * What was posted and waited for its doorbell when the epoch ended must not be carried by the first
 * doorbell of the leader's next epoch.
 */
export function entryThatWaitedForItsDoorbell(): void {
  const scenario = new Scenario();
  const leader = scenario.leader();
  scenario.decide(leader, 3);
  scenario.run(500);

  // As if a step had ended between the two; r1 leads meanwhile, and decides something else there.
  postWithoutDoorbell(leader);
  leader.block('replication', 1e12);
  const other = scenario.leader(leader);
  scenario.decide(other, 2);
  other.crash();

  leader.unblock();
  scenario.until(() => !leader.replication.leading);
  const next = scenario.leader();
  scenario.decide(next, 3);
  scenario.until(() => scenario.agree(8));
}

function postWithoutDoorbell({ replication, replicationAssembly }: SimReplica): void {
  const command = makeCommand(1000, 40);
  const at = replication.fastPath.stage(command.length);
  replicationAssembly.memory.staging.bytes.set(command, at);
  replication.fastPath.post(EntryKind.command | (1 << 8), command.length);
}

/**
 * A follower that dropped out, was another leader's, and grants again in the same epoch, has promised
 * that other leader: counting it without looking would decide an offset a second time.
 */
export function followerThatWasAnothersInBetween(): void {
  const scenario = new Scenario();
  const { fabric } = scenario.cluster;
  const leader = scenario.leader();
  scenario.decide(leader, 3);
  scenario.run(500);

  // r0 loses its lane to r2, and has nothing to propose when r1 takes over without reaching r0.
  fabric.dropConnection(leader.replicationAssembly.offer(2).outgoing.queuePairNumber);
  scenario.decide(leader);
  scenario.until(() => !confirms(leader, 2));
  leader.block('background', 2_200_000);
  fabric.partition('r1', 'r0');
  const other = scenario.leader(leader);
  scenario.decide(other);
  // Nobody hears that this was decided, and r2 does not stand before r0 asks it again.
  other.crash();
  scenario.replica(2).block('background', 1_400_000);

  scenario.until(() => confirms(leader, 2) || !leader.replication.leading);
  if (leader.replication.leading) scenario.decide(leader);
  scenario.until(() => scenario.agree(5) || scenario.agree(6));
}

function confirms(leader: SimReplica, follower: number): boolean {
  return leader.replication.fastPath.active.some((lane) => lane.to === follower);
}

/**
 * A granter whose replication plane stands still knows less than its log tells; what it reads later,
 * it may release: a new leader must not begin below that.
 */
export function granterThatHasNotReadItsLog(): void {
  const scenario = new Scenario();
  const { fabric } = scenario.cluster;
  const leader = scenario.leader();
  scenario.decide(leader, 3);
  scenario.run(500);

  // r2 gets nothing any more; r1 gets everything, reads nothing, and is no longer waited for.
  fabric.partition('r0', 'r2');
  const granter = scenario.replica(1);
  granter.block('replication', 1e12);
  const posted: Proposed[] = [];
  for (const count of [10, 14, 4]) {
    for (let n = 0; n < count; n++) posted.push(scenario.propose(leader));
    scenario.run(count === 10 ? 5000 : 500);
  }
  // What all but r1 have applied is released, and r1's log tells it.
  scenario.until(() => leader.link.offset(Double.releasable) === leader.link.offset(Double.tail));
  scenario.run(100);
  leader.crash();

  fabric.setLinkFaults('r2', 'r1', { requestDelayNs: { minNs: 150_000, maxNs: 150_000 } });
  const candidate = scenario.replica(2);
  scenario.until(() => candidate.replication.phase === 'takingOver');
  granter.unblock();
  scenario.run(2000);
  fabric.setLinkFaults('r2', 'r1', { requestDelayNs: CALM });
  // Without a state transfer nobody may lead now; nobody may lead with too little, either.
  scenario.run(10_000);
  const decided = posted.filter(({ outcome }) => outcome?.kind === 'decided').length;
  if (decided < 10) throw new Error(`only ${decided} were decided before the crash`);
}
