import type { SimFaultOptions } from '@mu-smr/verbs';
import { ARMED_KINDS } from './armed-faults.ts';
import type { Random } from './random.ts';

/** What is done to a replica or a link at a moment of its own. */
const TIMED_KINDS = [
  'crash',
  'restart',
  'remove',
  'transfer',
  'pauseNicContinues',
  'pauseNicStops',
  'pauseLeader',
  'blockReplication',
  'blockBackground',
  'flap',
  'duel',
  'slowApply',
  'slowLink',
  'lateCompletions',
  'loseRequests',
  'loseAcknowledgements',
  'dropLane',
  'isolate',
] as const;

/** Everything that can be done to a cluster; each seed enables some of it. */
export const FAULT_KINDS = [...TIMED_KINDS, ...ARMED_KINDS] as const;

export type TimedKind = (typeof TIMED_KINDS)[number];
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What one seed does to its cluster. */
export interface FaultPlan {
  readonly kinds: readonly FaultKind[];
  /** Longest time between two faults. */
  readonly everyUsMax: number;
  readonly durationUsMax: number;
  /** Of the fabric, all the time. */
  readonly fabric: SimFaultOptions;
}

export const NO_FAULTS: FaultPlan = {
  kinds: [],
  everyUsMax: 0,
  durationUsMax: 0,
  fabric: 'none',
};

/** One fault of a run. What it does beyond its kind is drawn from its own seed. */
export interface ScheduledFault {
  readonly atUs: number;
  readonly kind: FaultKind;
  readonly us: number;
  readonly seed: number;
}

/** Draws a random subset with random rates: most bugs need few kinds of fault, at the right rate. */
export function drawFaultPlan(random: Random): FaultPlan {
  const likely = random.pick([0.1, 0.25, 0.5]);
  const kinds = FAULT_KINDS.filter((kind) =>
    // Losing a peer for good ends most of what a seed could still show.
    random.fork(kind).chance(kind === 'restart' ? 0.7 : losesPeer(kind) ? likely / 4 : likely),
  );
  return {
    kinds,
    everyUsMax: random.pick([200, 800, 3000]),
    durationUsMax: random.pick([100, 600, 3000, 8000]),
    fabric: {
      tearProbability: random.pick([0, 0.25, 0.8]),
      accessChangeFailProbability: random.pick([0, 0, 0.2, 1]),
      pieceDelayNs: { minNs: 5, maxNs: random.pick([100, 2000]) },
      requestDelayNs: drawDelay(random, 500, 1500),
      acknowledgementDelayNs: drawDelay(random, 400, 1200),
    },
  };
}

/** Draws when each fault happens, and which: all of it before the run begins. */
export function drawSchedule(plan: FaultPlan, untilUs: number, random: Random): ScheduledFault[] {
  const schedule: ScheduledFault[] = [];
  if (plan.kinds.length === 0) return schedule;
  for (let atUs = 0; ;) {
    atUs += random.between(1, plan.everyUsMax);
    if (atUs >= untilUs) return schedule;
    const kind = random.pick(plan.kinds);
    const us = random.between(1, plan.durationUsMax);
    schedule.push({ atUs, kind, us, seed: random.below(0x1_0000_0000) });
  }
}

function losesPeer(kind: FaultKind): boolean {
  return kind === 'isolate' || kind.startsWith('crash');
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
