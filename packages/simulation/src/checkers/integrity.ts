import { Double, Int, LogPhase } from '@mu-smr/consensus/planes';
import { CircularArea, type LogGeometry, type LogOffset } from '@mu-smr/log';
import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import type { SimReplica } from '../sim-replica.ts';
import { valueHash } from '../value-hash.ts';
import type { Acceptance } from './acceptance.ts';

/**
 * I13: an entry is accepted only with integrity check and expected absolute offset: whatever a
 * replica takes for decided stands in its own log, with the decided value, byte for byte.
 */
export class Integrity implements Checker {
  readonly #truth: Acceptance;
  readonly #area: CircularArea;
  readonly #checkedUpTo = new Map<SimReplica, LogOffset>();

  constructor(truth: Acceptance, geometry: LogGeometry) {
    this.#truth = truth;
    this.#area = new CircularArea(geometry);
  }

  stepped(replica: SimReplica): void {
    const { known } = replica.replication.replayer;
    let at = this.#checkedUpTo.get(replica) ?? (0 as LogOffset);
    if (at === known) return;
    if (replica.link.int(Int.phase) !== LogPhase.open) {
      // Its state came from another replica: it has none of this in its own log.
      this.#checkedUpTo.set(replica, known);
      return;
    }
    const head = Math.max(replica.link.offset(Double.head), replica.link.offset(Double.base));
    while (at < known) {
      const decided = this.#truth.decidedAt(at);
      mustHold('I13', decided !== undefined, () => `${replica.host} has no decided entry at ${at}`);
      if (decided === undefined) return;
      if (at >= head) {
        const view = this.#truth.view(replica).moveTo(this.#area.position(at));
        const stands = view.headerFits(at, this.#area.untilEnd(at));
        mustHold(
          'I13',
          stands && valueHash(view) === decided.value,
          () => `${replica.host} knows ${known}, but its log at ${at} is not what was decided`,
        );
      }
      at = decided.end;
    }
    mustHold('I13', at === known, () => `${replica.host} knows ${known}, inside of an entry`);
    this.#checkedUpTo.set(replica, at);
  }
}
