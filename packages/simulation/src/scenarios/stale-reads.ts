import { LOG_HEADER_BYTES } from '@mu-smr/log';
import type { SimWriteEvent } from '@mu-smr/verbs';
import type { SimReplica } from '../sim-replica.ts';
import { Scenario } from './scenario.ts';

/** Delay of what another leader's write overtakes. */
const LONG_NS = 4_000_000;
const CALM = { minNs: 500, maxNs: 1500 };
/** r1's writes to r3 and r4 stand in the middle while that to r2 is torn. */
const SLOW = { minNs: 20_000, maxNs: 20_000 };
const LONG = { minNs: LONG_NS, maxNs: LONG_NS };

/** How far the scenario is. */
interface Stage {
  /** Who is to have r1's entry before r1 stops. */
  readonly stopsWith: Set<number>;
  /** From when on a promise of r0 at r2 is the one that matters. */
  promiseFromUs: number;
  /** r2's slot is written in part. */
  torn: boolean;
}

/**
 * A candidate that has lost a follower's permission without knowing may still read its log, and then
 * finds a slot torn that the next leader is just writing anew. To take that for empty would put a
 * value with a higher number beside one that is decided. Found by spin, in tooling/model.
 */
export function slotReadWhileAnotherLeaderWritesIt(): void {
  const stage: Stage = { stopsWith: new Set(), promiseFromUs: Infinity, torn: false };
  const scenario: Scenario = new Scenario(
    { replicas: 5, mtuBytes: 64 },
    {
      wrote: (target, source, event) => wrote(scenario, stage, target, source, event),
      ended: (replica) => {
        if (replica.id === 1) for (const host of ['r2', 'r3']) fabric.heal('r1', host);
      },
      leading: (replica) => {
        if (stage.torn && replica.id === 0) scenario.propose(replica);
      },
    },
  );
  const { fabric } = scenario.cluster;

  // r1 leads; its next command reaches r2 and r3, and nobody knows that it is decided. r0 does not
  // reach r3.
  scenario.replica(0).pause('continues');
  const leader = scenario.leader(scenario.replica(0));
  scenario.replica(0).resume();
  scenario.decide(leader, 3);
  scenario.run(2000);
  for (const host of ['r0', 'r4']) fabric.partition('r1', host);
  fabric.partition('r0', 'r3');
  stage.stopsWith.add(2).add(3);
  scenario.propose(leader);

  scenario.until(() => stage.stopsWith.size === 0);
  fabric.heal('r1', 'r4');
  scenario.until(() => stage.torn);
  fabric.heal('r0', 'r2');
  fabric.setLinkFaults('r0', 'r2', { requestDelayNs: LONG });
  scenario.run(2 * (LONG_NS / 1000));
  fabric.setLinkFaults('r0', 'r2', { requestDelayNs: CALM });
  // r3, which r0 takes for dead, may take itself for the leader.
  const next = scenario.replica(0);
  scenario.until(() => next.replication.leading);
  scenario.decide(next, 2);
}

function wrote(
  scenario: Scenario,
  stage: Stage,
  target: SimReplica,
  source: SimReplica,
  { offset, last }: SimWriteEvent,
): void {
  const { fabric, options } = scenario.cluster;
  // r1 stops when r2 and r3 have its entry, before it knows; its own log gets it from its NIC.
  if (source.id === 1 && last && stage.stopsWith.delete(target.id) && stage.stopsWith.size === 0) {
    stage.promiseFromUs = source.nowUs;
    source.pause('stops');
    for (const host of ['r2', 'r3']) fabric.partition('r1', host, 'acknowledgements');
  }
  if (target.id !== 2 || stage.torn) return;
  // r0 has promised at r2, and the read behind that is lost and sent again; it goes on alone, as if it
  // were healthy.
  if (source.id === 0 && offset < 128 && last && source.nowUs > stage.promiseFromUs) {
    stage.promiseFromUs = Infinity;
    fabric.setLinkFaults('r0', 'r2', { retryTimeoutNs: LONG_NS, retryIntervalNs: 10_000 });
    fabric.partition('r0', 'r2');
    source.block('background', LONG_NS + 1_000_000);
    for (const host of ['r3', 'r4']) fabric.setLinkFaults('r1', host, { pieceDelayNs: SLOW });
    scenario.replica(1).resume();
  }
  // Behind the ring stands the undo slot, which an adoption writes first.
  const ringEnd = LOG_HEADER_BYTES + options.geometry.capacityBytes;
  const isSlot = offset >= LOG_HEADER_BYTES && offset < ringEnd;
  // r1 adopts its own value again, because r4 has it not, and stops in the middle of that.
  if (source.id === 1 && isSlot && !last && source.replication.phase === 'takingOver') {
    stage.torn = true;
    source.crash();
    // Until r0's read has come, r2 has no reason to take the permission away.
    target.block('background', LONG_NS);
  }
}
