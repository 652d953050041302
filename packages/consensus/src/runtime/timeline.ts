import { Double, type PlaneLink } from '../planes/plane-link.ts';
import { REPLICAS_MAX } from '../core/proposal-number.ts';
import type { TimelineStep } from '../replica-api.ts';
import { monotonicUs } from './clock.ts';

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
  #toldSuspicionUs = 0;

  constructor(link: PlaneLink, emit: (step: TimelineStep) => void) {
    this.#link = link;
    this.#emit = emit;
  }

  /** The replication plane began to lead. */
  readonly leading = (): void => {
    this.#leadingSinceUs = monotonicUs();
    this.#tailAtStart = this.#link.offset(Double.tail);
  };

  /** Leadership ended, perhaps before anything was decided. */
  readonly ended = (): void => {
    this.#leadingSinceUs = Number.NaN;
    this.#tailAtStart = Number.NaN;
  };

  /** Tells what there is to tell; `decided` is how far the leader has decided. Once a turn. */
  tell(decided: number): void {
    if (!Number.isNaN(this.#leadingSinceUs)) this.#tellTakeOver(this.#leadingSinceUs);
    this.#leadingSinceUs = Number.NaN;
    if (!(decided > this.#tailAtStart)) return;
    this.#tailAtStart = Number.NaN;
    this.#emit({ kind: 'firstDecided', atUs: monotonicUs() });
  }

  #tellTakeOver(leadingSinceUs: number): void {
    const link = this.#link;
    const requestedAtUs = link.offset(Double.requestedAtUs);
    const suspectedAtUs = link.offset(Double.suspectedAtUs);
    // A suspicion belongs to the take-over that follows it, not to those after that.
    if (suspectedAtUs > this.#toldSuspicionUs && suspectedAtUs <= requestedAtUs) {
      this.#toldSuspicionUs = suspectedAtUs;
      this.#emit({
        kind: 'suspected',
        replica: link.offset(Double.suspected),
        atUs: suspectedAtUs,
      });
    }
    this.#emit({ kind: 'requested', atUs: requestedAtUs });
    // One that is granted later joins a leader that leads already.
    const grants = Array.from({ length: REPLICAS_MAX }, (_, by) => ({
      by,
      atUs: link.offset(Double.grantedAtUs, by),
    })).filter(({ atUs }) => atUs > 0 && atUs >= requestedAtUs && atUs <= leadingSinceUs);
    grants.sort((one, other) => one.atUs - other.atUs);
    for (const { by, atUs } of grants) this.#emit({ kind: 'granted', by, atUs });
    this.#emit({ kind: 'caughtUp', atUs: leadingSinceUs });
  }
}
