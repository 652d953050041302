import type { ProposeOutcome } from '@mu-smr/consensus';
import type { Checker } from '../checkers.ts';
import { mayDecide } from '../held-permissions.ts';
import { mustHold } from '../invariant-violation.ts';
import type { ClientCommand } from '../observer.ts';
import type { SimReplica } from '../sim-replica.ts';

/** I10: an acknowledged command is in every later leader's log. */
export class Durability implements Checker {
  readonly #replicas: () => readonly SimReplica[];
  /** Highest offset at which a command was acknowledged; -1 before the first. */
  acknowledgedAt = -1;

  constructor(replicas: () => readonly SimReplica[]) {
    this.#replicas = replicas;
  }

  answered(_command: ClientCommand, outcome: ProposeOutcome<number>): void {
    if (outcome.kind === 'decided') this.acknowledgedAt = Math.max(this.acknowledgedAt, outcome.at);
  }

  leading(leader: SimReplica): void {
    if (!mayDecide(this.#replicas(), leader)) return;
    const { decided } = leader.replication.fastPath;
    mustHold(
      'I10',
      decided > this.acknowledgedAt,
      () => `${leader.host} leads from ${decided}, a command at ${this.acknowledgedAt} is missing`,
    );
  }
}
