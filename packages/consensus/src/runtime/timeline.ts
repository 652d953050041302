import type { PlaneLink } from '../planes/plane-link.ts';
import { REPLICAS_MAX } from '../core/proposal-number.ts';
import type { TimelineStep } from '../replica-api.ts';

/** Reports a fail-over to this replica step by step, from times both planes noted on the way. */
export class Timeline {
  readonly #link: PlaneLink;
  readonly #emit: (step: TimelineStep) => void;
  #tailAtStart: number | undefined;

  constructor(link: PlaneLink, emit: (step: TimelineStep) => void) {
    this.#link = link;
    this.#emit = emit;
  }

  /** The replication plane began to lead: tells everything up to here. */
  leading(nowUs: number): void {
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
    this.#emit({ kind: 'caughtUp', atUs: nowUs });
    this.#tailAtStart = link.offset('tail');
  }

  /** Leadership ended before anything was decided. */
  ended(): void {
    this.#tailAtStart = undefined;
  }

  /** Something was decided while leading: tells the first time it is more than at the start. */
  decided(decided: number, nowUs: number): void {
    if (this.#tailAtStart === undefined || decided <= this.#tailAtStart) return;
    this.#tailAtStart = undefined;
    this.#emit({ kind: 'firstDecided', atUs: nowUs });
  }
}
