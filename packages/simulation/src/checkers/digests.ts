import type { Divergence } from '@mu-smr/consensus';
import type { Checker } from '../checkers.ts';
import { mustHold } from '../invariant-violation.ts';
import type { SimReplica } from '../sim-replica.ts';

/** I9, by the replicas' own word: none finds its state to differ, as long as none has gone astray. */
export class Digests implements Checker {
  readonly #replicas: () => readonly SimReplica[];

  constructor(replicas: () => readonly SimReplica[]) {
    this.#replicas = replicas;
  }

  diverged(replica: SimReplica, { at, by, digest, own }: Divergence): void {
    mustHold(
      'I9',
      this.#replicas().some(({ machine }) => machine.astray),
      () => `${replica.host} has ${own} at ${at}, and r${by} has ${digest}`,
    );
  }
}
