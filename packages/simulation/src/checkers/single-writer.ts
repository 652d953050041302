import type { Checker } from '../checkers.ts';
import { mayWrite } from '../held-permissions.ts';
import { mustHold } from '../invariant-violation.ts';
import type { SimReplica } from '../sim-replica.ts';

/** I1: each log grants remote write to at most one peer, at every moment of a permission switch. */
export class SingleWriter implements Checker {
  readonly #replicas: () => readonly SimReplica[];

  constructor(replicas: () => readonly SimReplica[]) {
    this.#replicas = replicas;
  }

  permissionChanged(replica: SimReplica): void {
    const writers = this.#replicas().filter((writer) => mayWrite(replica, writer));
    mustHold(
      'I1',
      writers.length <= 1,
      () => `${writers.map(({ host }) => host).join(' and ')} may write ${replica.host}`,
    );
  }
}
