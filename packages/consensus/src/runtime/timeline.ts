import type { PlaneLink } from '../planes/plane-link.ts';
import { REPLICAS_MAX } from '../core/proposal-number.ts';
import type { TimelineStep } from '../replica-api.ts';

/**
 * Reports a fail-over to this replica step by step, from times both planes noted on the way. Listeners
 * hear of it in a later turn of the event loop: nothing of it stands between a leader and its first
 * command.
 */
export class Timeline {
  readonly #link: PlaneLink;
  readonly #emit: (step: TimelineStep) => void;
  #leadingSinceUs = Number.NaN;
  #tailAtStart = Number.NaN;

  constructor(link: PlaneLink, emit: (step: TimelineStep) => void) {
    this.#link = link;
    this.#emit = emit;
  }

  /** The replication plane began to lead. */
  leading(nowUs: number): void {
    this.#leadingSinceUs = nowUs;
    this.#tailAtStart = this.#link.offset('tail');
  }

  /** Leadership ended, perhaps before anything was decided. */
  ended(): void {
    this.#leadingSinceUs = Number.NaN;
    this.#tailAtStart = Number.NaN;
  }

  /** Tells what there is to tell; `decided` is how far the leader has decided. Once a turn. */
  tell(decided: number, nowUs: () => number): void {
    if (!Number.isNaN(this.#leadingSinceUs)) this.#tellTakeOver(this.#leadingSinceUs);
    this.#leadingSinceUs = Number.NaN;
    if (!(decided > this.#tailAtStart)) return;
    this.#tailAtStart = Number.NaN;
    this.#emit({ kind: 'firstDecided', atUs: nowUs() });
  }

  #tellTakeOver(leadingSinceUs: number): void {
    const link = this.#link;
    const requestedAtUs = link.offset('requestedAtUs');
    const suspectedAtUs = link.offset('suspectedAtUs');
    if (suspectedAtUs > 0)
      this.#emit({ kind: 'suspected', replica: link.offset('suspected'), atUs: suspectedAtUs });
    this.#emit({ kind: 'requested', atUs: requestedAtUs });
    for (let by = 0; by < REPLICAS_MAX; by++) {
      const atUs = link.offset('grantedAtUs', by);
      if (atUs >= requestedAtUs && atUs > 0) this.#emit({ kind: 'granted', by, atUs });
    }
    this.#emit({ kind: 'caughtUp', atUs: leadingSinceUs });
  }
}
