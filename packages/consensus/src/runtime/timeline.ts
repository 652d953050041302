import type { PlaneLink } from '../planes/plane-link.ts';
import { REPLICAS_MAX } from '../core/proposal-number.ts';
import type { TimelineStep } from '../replica-api.ts';

/**
 * Reports a fail-over to this replica step by step, from times both planes noted on the way. Listeners
 * hear of it in a later turn of the event loop: none of them stands between a leader and its first
 * command.
 */
export class Timeline {
  readonly #link: PlaneLink;
  readonly #emit: (step: TimelineStep) => void;
  #steps: TimelineStep[] = [];
  #tailAtStart = Number.NaN;

  constructor(link: PlaneLink, emit: (step: TimelineStep) => void) {
    this.#link = link;
    this.#emit = emit;
  }

  /** The replication plane began to lead: notes everything up to here. */
  leading(nowUs: number): void {
    const link = this.#link;
    const requestedAtUs = link.offset('requestedAtUs');
    const suspectedAtUs = link.offset('suspectedAtUs');
    if (suspectedAtUs > 0)
      this.#note({ kind: 'suspected', replica: link.offset('suspected'), atUs: suspectedAtUs });
    this.#note({ kind: 'requested', atUs: requestedAtUs });
    for (let by = 0; by < REPLICAS_MAX; by++) {
      const atUs = link.offset('grantedAtUs', by);
      if (atUs >= requestedAtUs && atUs > 0) this.#note({ kind: 'granted', by, atUs });
    }
    this.#note({ kind: 'caughtUp', atUs: nowUs });
    this.#tailAtStart = link.offset('tail');
  }

  /** Leadership ended before anything was decided. */
  ended(): void {
    this.#tailAtStart = Number.NaN;
  }

  /** Something was decided while leading: notes the first time it is more than at the start. */
  decided(decided: number, nowUs: () => number): void {
    if (!(decided > this.#tailAtStart)) return;
    this.#tailAtStart = Number.NaN;
    this.#note({ kind: 'firstDecided', atUs: nowUs() });
  }

  #note(step: TimelineStep): void {
    if (this.#steps.length === 0) setImmediate(() => this.#tell());
    this.#steps.push(step);
  }

  #tell(): void {
    const steps = this.#steps;
    this.#steps = [];
    for (const step of steps) this.#emit(step);
  }
}
