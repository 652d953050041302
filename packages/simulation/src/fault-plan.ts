import type { SimFaultOptions } from '@mu-smr/verbs';
import type { Random } from './random.ts';

/** Everything that can be done to a cluster; each seed enables some of it. */
export const FAULT_KINDS = [
  'crash',
  'pauseNicContinues',
  'pauseNicStops',
  'pauseLeader',
  'blockReplication',
  'blockBackground',
  'slowLink',
  'lateCompletions',
  'loseRequests',
  'loseAcknowledgements',
  'dropLane',
  'stopMidWrite',
  'dropMidWrite',
  'isolate',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** What one seed does to its cluster. */
export interface FaultPlan {
  readonly kinds: readonly FaultKind[];
  /** Longest time between two faults. */
  readonly everyUsMax: number;
  readonly durationUsMax: number;
  /** Chance, for each piece that does not complete a write, of the faults that wait for one. */
  readonly midWriteProbability: number;
  /** Of the fabric, all the time. */
  readonly fabric: SimFaultOptions;
}

export const NO_FAULTS: FaultPlan = {
  kinds: [],
  everyUsMax: 0,
  durationUsMax: 0,
  midWriteProbability: 0,
  fabric: 'none',
};

/** Draws a random subset with random rates: most bugs need few kinds of fault, at the right rate. */
export function drawFaultPlan(random: Random): FaultPlan {
  const likely = random.pick([0.15, 0.3, 0.6]);
  const kinds = FAULT_KINDS.filter((kind) =>
    // Losing a peer for good ends most of what a seed could still show.
    random.chance(kind === 'isolate' ? likely / 4 : likely),
  );
  return {
    kinds,
    everyUsMax: random.pick([200, 800, 3000]),
    durationUsMax: random.pick([100, 600, 3000]),
    midWriteProbability: random.pick([0.002, 0.02, 0.1]),
    fabric: {
      tearProbability: random.pick([0, 0.25, 0.8]),
      accessChangeFailProbability: random.pick([0, 0, 0.2, 1]),
      pieceDelayNs: { minNs: 5, maxNs: random.pick([100, 2000]) },
      requestDelayNs: drawDelay(random, 500, 1500),
      acknowledgementDelayNs: drawDelay(random, 400, 1200),
    },
  };
}

function drawDelay(
  random: Random,
  minNs: number,
  maxNs: number,
): { minNs: number; maxNs: number; tailProbability: number; tailMaxNs: number } {
  return {
    minNs,
    maxNs,
    tailProbability: random.pick([0, 0, 0.02, 0.2]),
    tailMaxNs: random.pick([20_000, 300_000]),
  };
}
