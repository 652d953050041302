import type { EpochLanes } from './epoch-lanes.ts';
import type { Lane } from './lane.ts';
import type { Membership } from './membership.ts';
import { Double, Int, type PlaneLink } from './plane-link.ts';

/** There may be nobody who grants. */
const AWAITED_US = 1000;

/** Waits for a majority of an epoch's grants, and a little longer for the rest. */
export class GrantGathering {
  readonly #self: number;
  readonly #lanes: EpochLanes;
  readonly #membership: Membership;
  readonly #link: PlaneLink;
  readonly #graceUs: number;
  readonly #nowUs: () => number;
  /** The epoch whose grants are gathered, and since when there is a majority of them. */
  #gathered: { readonly epoch: number; readonly sinceUs: number } | undefined;

  constructor(options: {
    readonly self: number;
    readonly lanes: EpochLanes;
    readonly membership: Membership;
    readonly link: PlaneLink;
    readonly graceUs: number;
    readonly nowUs: () => number;
  }) {
    this.#self = options.self;
    this.#lanes = options.lanes;
    this.#membership = options.membership;
    this.#link = options.link;
    this.#graceUs = options.graceUs;
    this.#nowUs = options.nowUs;
  }

  /** Whether an epoch has just been asked for: whoever grants it does so in a moment. */
  get awaited(): boolean {
    const epoch = this.#link.int(Int.epoch);
    if (epoch === this.#link.int(Int.endedEpoch)) return false;
    return this.#nowUs() - this.#link.offset(Double.requestedAtUs) < AWAITED_US;
  }

  /** The lanes to take over with, once it is time: a majority of the members, ourselves among them. */
  ready(epoch: number): readonly Lane[] | undefined {
    const granted = this.#lanes.grantedSince(epoch);
    if (granted.length < this.#membership.majority) return undefined;
    if (!granted.some((lane) => lane.to === this.#self)) return undefined;
    if (this.#gathered?.epoch !== epoch) this.#gathered = { epoch, sinceUs: this.#nowUs() };
    const waited = this.#nowUs() - this.#gathered.sinceUs;
    return waited < this.#graceUs && this.#lanes.somebodyMissing(granted) ? undefined : granted;
  }
}
