import type { Checker } from '../checkers.ts';
import { mayWrite } from '../held-permissions.ts';
import { mustHold } from '../invariant-violation.ts';
import type { SimReplica } from '../sim-replica.ts';

/** I1: each log grants remote write to at most one peer, at every moment of a permission switch. */
export class SingleWriter implements Checker {
  permissionChanged(replica: SimReplica): void {
    const all = replica.replicationAssembly.incoming.keys();
    const writers = [...all].filter((writer) => mayWrite(replica, writer));
    mustHold('I1', writers.length <= 1, () => `${writers.join(' and ')} may write ${replica.host}`);
  }
}
