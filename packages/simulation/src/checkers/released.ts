import { Double } from '@mu-smr/consensus/planes';
import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import type { SimReplica } from '../sim-replica.ts';
import type { Acceptance } from './acceptance.ts';

/** I15: released ≤ applied ≤ decided ≤ written, at every replica. */
export class Released implements Checker {
  readonly #truth: Acceptance;
  #written = 0;

  constructor(truth: Acceptance) {
    this.#truth = truth;
    truth.listen((_target, _source, { end }) => {
      if (end > this.#written) this.#written = end;
    });
  }

  stepped(replica: SimReplica): void {
    const head = replica.link.offset(Double.head);
    const { applied } = replica.replication.replayer;
    const { decidedUpTo } = this.#truth;
    mustHold(
      'I15',
      head <= applied && applied <= decidedUpTo && decidedUpTo <= this.#written,
      () => `${replica.host}: ${head} ≤ ${applied} ≤ ${decidedUpTo} ≤ ${this.#written} is wrong`,
    );
  }
}
