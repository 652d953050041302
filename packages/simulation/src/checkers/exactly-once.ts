import type { ApplyContext, ProposeOutcome } from '@mu-smr/consensus';
import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import type { ClientCommand } from '../observer.ts';
import type { SimReplica } from '../sim-replica.ts';

/**
 * I11: a command of a session is applied at most once on every replica, at the same place on all, and
 * each attempt of its client that is answered gets the same reply.
 */
export class ExactlyOnce implements Checker {
  /** Commands that belong to a session, and where each was applied first. */
  readonly #placeOf = new Map<number, string | undefined>();

  proposed({ id, numbered }: ClientCommand): void {
    if (numbered && !this.#placeOf.has(id)) this.#placeOf.set(id, undefined);
  }

  applied(replica: SimReplica, id: number, _index: number, _hash: number, to: ApplyContext): void {
    if (!this.#placeOf.has(id)) return;
    const place = `${to.at}, number ${to.index}`;
    const first = this.#placeOf.get(id);
    mustHold(
      'I11',
      first === undefined || first === place,
      () => `${replica.host} applies ${id} of a session at ${place}, and it was at ${first}`,
    );
    this.#placeOf.set(id, place);
  }

  answered({ id, numbered }: ClientCommand, outcome: ProposeOutcome<number>): void {
    if (!numbered || outcome.kind !== 'decided') return;
    mustHold('I11', outcome.result === id, () => `${id} was answered with ${outcome.result}`);
    mustHold(
      'I11',
      this.#placeOf.get(id) !== undefined,
      () => `${id} was answered and never applied`,
    );
  }
}
