import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import type { PlaneName, SimReplica } from '../sim-replica.ts';

/** I17: whoever knows that a replica was removed grants it nothing any more. */
export class RemovedGrants implements Checker {
  stepped(replica: SimReplica, plane: PlaneName): void {
    const { holder } = replica.background;
    if (plane !== 'background' || holder === undefined || holder === replica.id) return;
    mustHold(
      'I17',
      !replica.link.isRemoved(holder),
      () => `${replica.host} grants its log to ${holder}, which it knows to be removed`,
    );
  }
}
