import type { ProposeOutcome } from '@mu-smr/consensus';
import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import type { ClientCommand, ClientRead } from '../observer.ts';
import type { SimReplica } from '../sim-replica.ts';

/** I16: after its first permission error a leader issues no success and no read in that epoch. */
export class PermissionErrors implements Checker {
  readonly #refused = new Map<SimReplica, Set<number>>();

  completedBadly(replica: SimReplica, epoch: number): void {
    let epochs = this.#refused.get(replica);
    if (epochs === undefined) this.#refused.set(replica, (epochs = new Set()));
    epochs.add(epoch);
  }

  answered({ id, at, epoch }: ClientCommand, outcome: ProposeOutcome<number>): void {
    if (outcome.kind !== 'decided') return;
    this.#mustBeWhole(at, epoch, () => `command ${id} succeeded`);
  }

  read({ at, epoch }: ClientRead): void {
    this.#mustBeWhole(at, epoch, () => 'a read was current');
  }

  #mustBeWhole(leader: SimReplica, epoch: number, what: () => string): void {
    const refused = this.#refused.get(leader)?.has(epoch & 0xff_ffff) === true;
    mustHold(
      'I16',
      !refused,
      () => `${what()} at ${leader.host} in epoch ${epoch}, after a refusal`,
    );
  }
}
