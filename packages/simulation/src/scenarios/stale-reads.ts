import { LOG_HEADER_BYTES } from '@mu-smr/log';
import { Scenario } from './scenario.ts';

/** Delay of a read that another leader's write overtakes. */
const LONG_NS = 4_000_000;

/**
 * A candidate that has lost a follower's permission without knowing may still read its log, and then
 * finds a slot torn that the next leader is just writing anew. To take that for empty would put a
 * value with a higher number beside one that is decided. Found by spin, in tooling/model.
 */
export function slotReadWhileAnotherLeaderWritesIt(): void {
  let torn = false;
  const scenario = new Scenario(
    { mtuBytes: 64 },
    {
      wrote: (target, source, event) => {
        // r1 stops when r2 has its entry, before it knows; its own log gets it from its NIC.
        if (stopsWhenDecided && source.id === 1 && target.id === 2 && event.last) {
          stopsWhenDecided = false;
          promiseFromUs = source.nowUs;
          source.pause('stops');
          scenario.cluster.fabric.partition('r1', 'r2', 'acknowledgements');
        }
        if (target.id !== 2 || torn) return;
        // r0 has promised at r2, and the read behind that is lost and sent again; it goes on alone, as
        // if it were healthy.
        if (source.id === 0 && event.offset < 128 && event.last && source.nowUs > promiseFromUs) {
          promiseFromUs = Infinity;
          const { fabric } = scenario.cluster;
          fabric.setLinkFaults('r0', 'r2', { retryTimeoutNs: LONG_NS, retryIntervalNs: 10_000 });
          fabric.partition('r0', 'r2');
          source.block('background', LONG_NS + 1_000_000);
          scenario.replica(1).resume();
        }
        // r1 adopts its own value again, and stops in the middle of that.
        if (source.id === 1 && isSlot(event.offset) && !event.last && adopts()) {
          torn = true;
          source.crash();
          // Until r0's read has come, r2 has no reason to take the permission away.
          target.block('background', LONG_NS);
        }
      },
      ended: (replica) => {
        if (replica.id === 1) scenario.cluster.fabric.heal('r1', 'r2');
      },
      leading: (replica) => {
        if (torn && replica.id === 0) scenario.propose(replica);
      },
    },
  );
  let promiseFromUs = Infinity;
  let stopsWhenDecided = false;
  const { capacityBytes } = scenario.cluster.options.geometry;
  // Behind the ring stands the undo slot, which it writes first.
  const isSlot = (at: number): boolean =>
    at >= LOG_HEADER_BYTES && at < LOG_HEADER_BYTES + capacityBytes;
  const adopts = (): boolean => scenario.replica(1).replication.phase === 'takingOver';

  // r1 leads; its next command reaches r2 and not r0, and nobody knows that it is decided.
  scenario.replica(0).pause('continues');
  const leader = scenario.leader(scenario.replica(0));
  scenario.replica(0).resume();
  scenario.decide(leader, 3);
  scenario.run(2000);
  const { fabric } = scenario.cluster;
  fabric.partition('r1', 'r0');
  stopsWhenDecided = true;
  scenario.propose(leader);

  scenario.until(() => torn);
  fabric.heal('r0', 'r2');
  fabric.setLinkFaults('r0', 'r2', { requestDelayNs: { minNs: LONG_NS, maxNs: LONG_NS } });
  scenario.run(2 * (LONG_NS / 1000));
  fabric.setLinkFaults('r0', 'r2', { requestDelayNs: { minNs: 500, maxNs: 1500 } });
  const next = scenario.leader();
  scenario.decide(next, 2);
}
