import type { SimWriteEvent } from '@mu-smr/verbs';
import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import type { SimReplica } from '../sim-replica.ts';

/** I2: no byte of a log changes by P after revoke(P) returned: only the holder's writes land. */
export class NoWriteAfterRevoke implements Checker {
  wrote(target: SimReplica, source: SimReplica, event: SimWriteEvent): void {
    const { holder } = target.background;
    mustHold(
      'I2',
      holder === source.id && target.connectedTo(source.id) === source.incarnation,
      () => `${source.host} wrote byte ${event.offset} of ${target.host}, which ${holder} holds`,
    );
  }
}
