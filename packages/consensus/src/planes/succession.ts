import type { ReplicaId } from '../propose-outcome.ts';
import type { Tuning } from '../limits.ts';
import { Int, type PlaneLink } from './plane-link.ts';

/**
 * Whom the last leader, this replica, wants to lead: published until that one holds our log, and not
 * for ever, because it may have died meanwhile. Until then this replica does not stand itself.
 */
export class Succession {
  readonly #self: ReplicaId;
  readonly #link: PlaneLink;
  readonly #tuning: Tuning;
  /** The epoch that was ended for it, and until when its successor is named. */
  #epoch = 0;
  #untilUs = 0;

  constructor(self: ReplicaId, link: PlaneLink, tuning: Tuning) {
    this.#self = self;
    this.#link = link;
    this.#tuning = tuning;
  }

  /** `holder` is who may write our log. */
  successor(holder: ReplicaId | undefined, nowUs: number): ReplicaId | undefined {
    const successor = this.#link.int(Int.successor) - 1;
    if (successor < 0) return undefined;
    const epoch = this.#link.int(Int.endedEpoch);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#untilUs = nowUs + this.#tuning.grantTimeoutUs;
    }
    if (holder !== this.#self) this.#untilUs = 0;
    return nowUs < this.#untilUs ? successor : undefined;
  }
}
