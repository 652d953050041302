import type { Random } from './random.ts';

/** Uniform between two times, with an optional chance of a much longer one. */
export interface DelayDistribution {
  readonly minNs: number;
  readonly maxNs: number;
  /** Chance that the time is drawn from (maxNs, tailMaxNs] instead. Default 0. */
  readonly tailProbability?: number;
  readonly tailMaxNs?: number;
}

/** How one direction of one link behaves; everything is drawn from the fabric's seed. */
export interface SimFaults {
  /** From the doorbell to the first byte at the target. */
  readonly requestDelayNs: DelayDistribution;
  /** Between two pieces of a write, and between two work requests of a queue pair. */
  readonly pieceDelayNs: DelayDistribution;
  /** From the last byte to the completion at the poster: late completions are made here. */
  readonly acknowledgementDelayNs: DelayDistribution;
  /** Chance, for each piece, that it is cut at a random byte instead of at the packet's end. */
  readonly tearProbability: number;
  /** How long a silent peer is tried before `retryExceeded`. */
  readonly retryTimeoutNs: number;
  /** Time between two tries. */
  readonly retryIntervalNs: number;
  /**
   * Chance that changing the access flags of a working queue pair fails: the verb throws EIO and
   * leaves the queue pair in ERR. Never seen on Soft-RoCE, seen on the paper's hardware.
   */
  readonly accessChangeFailProbability: number;
}

/** A calm fabric: modest jitter, some torn writes, no faults. */
export const FAULTS_NONE: SimFaults = {
  requestDelayNs: { minNs: 500, maxNs: 1_500 },
  pieceDelayNs: { minNs: 5, maxNs: 100 },
  acknowledgementDelayNs: { minNs: 400, maxNs: 1_200 },
  tearProbability: 0.25,
  retryTimeoutNs: 2_000_000,
  retryIntervalNs: 500_000,
  accessChangeFailProbability: 0,
};

/** `'none'`, or what differs from it. */
export type SimFaultOptions = 'none' | Partial<SimFaults>;

export function resolveFaults(options: SimFaultOptions, base: SimFaults = FAULTS_NONE): SimFaults {
  const faults = options === 'none' ? base : { ...base, ...options };
  for (const delay of [faults.requestDelayNs, faults.pieceDelayNs, faults.acknowledgementDelayNs])
    if (!(delay.minNs >= 0 && delay.maxNs >= delay.minNs))
      throw new RangeError(`a delay from ${delay.minNs} to ${delay.maxNs} ns`);
  // A try that costs no time would be repeated for ever at the same instant.
  if (!(faults.retryIntervalNs > 0)) throw new RangeError('retryIntervalNs must be above 0');
  return faults;
}

/** Draws one time. */
export function drawDelayNs(random: Random, delay: DelayDistribution): number {
  const tail = delay.tailProbability ?? 0;
  if (tail > 0 && random.chance(tail))
    return random.between(delay.maxNs, Math.max(delay.maxNs, delay.tailMaxNs ?? delay.maxNs));
  return random.between(delay.minNs, delay.maxNs);
}

/** What a partition loses on the way from one host to another. */
export type PartitionDrops = 'requests' | 'acknowledgements' | 'all';

/** One direction between two hosts, for operations that the first host posts. */
export interface SimLink {
  faults: SimFaults;
  losesRequests: boolean;
  /** The operation takes effect, and its poster never learns that it did. */
  losesAcknowledgements: boolean;
}

/** The links of a fabric, made as they are first used. */
export class LinkTable {
  readonly #links = new Map<string, Map<string, SimLink>>();
  readonly #faults: SimFaults;

  constructor(faults: SimFaults) {
    this.#faults = faults;
  }

  between(from: string, to: string): SimLink {
    let targets = this.#links.get(from);
    if (targets === undefined) this.#links.set(from, (targets = new Map<string, SimLink>()));
    let link = targets.get(to);
    if (link === undefined) {
      link = { faults: this.#faults, losesRequests: false, losesAcknowledgements: false };
      targets.set(to, link);
    }
    return link;
  }
}
