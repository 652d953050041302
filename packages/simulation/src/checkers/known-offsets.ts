import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import type { SimReplica } from '../sim-replica.ts';
import type { Acceptance } from './acceptance.ts';

/** I8: applied ≤ FUO ≤ what is decided, at leader and follower alike; neither ever goes back. */
export class KnownOffsets implements Checker {
  readonly #truth: Acceptance;
  readonly #before = new Map<SimReplica, { readonly applied: number; readonly known: number }>();

  constructor(truth: Acceptance) {
    this.#truth = truth;
  }

  stepped(replica: SimReplica): void {
    const { applied, known } = replica.replication.replayer;
    const before = this.#before.get(replica);
    if (before?.applied === applied && before.known === known) return;
    this.#before.set(replica, { applied, known });
    mustHold('I8', applied <= known, () => `${replica.host} applied ${applied} beyond ${known}`);
    mustHold(
      'I8',
      known <= this.#truth.decidedUpTo,
      () => `${replica.host} takes ${known} for decided, ${this.#truth.decidedUpTo} is`,
    );
    mustHold(
      'I8',
      before === undefined || (applied >= before.applied && known >= before.known),
      () =>
        `${replica.host} went back: ${before?.applied}, ${before?.known} → ${applied}, ${known}`,
    );
  }
}
