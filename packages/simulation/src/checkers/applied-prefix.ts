import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import type { SimReplica } from '../sim-replica.ts';

/** I9: applied sequences are prefixes of each other, with equal state hash at equal length. */
export class AppliedPrefix implements Checker {
  readonly #sequence: { readonly id: number; readonly hash: number }[] = [];

  applied(replica: SimReplica, id: number, index: number, hash: number): void {
    const first = this.#sequence[index];
    if (first === undefined) {
      this.#sequence.push({ id, hash });
      return;
    }
    mustHold(
      'I9',
      first.id === id && first.hash === hash,
      () => `${replica.host} applied ${id} as number ${index}, another applied ${first.id}`,
    );
  }
}
