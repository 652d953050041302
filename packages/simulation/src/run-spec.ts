import type { SimFaultOptions } from '@mu-smr/verbs';
import type { WorkloadOptions } from './clients.ts';
import { drawClusterOptions, type ClusterOptions } from './cluster-options.ts';
import {
  drawFaultPlan,
  drawSchedule,
  NO_FAULTS,
  type FaultKind,
  type ScheduledFault,
} from './fault-plan.ts';
import { Random } from './random.ts';

/** Length of the part with faults, in virtual time. */
const SAFETY_US = 12_000;

/** All that a run follows from. Drawn from a seed; the minimiser makes smaller ones of it. */
export interface RunSpec {
  readonly seed: number;
  readonly cluster: ClusterOptions;
  readonly workload: WorkloadOptions;
  /** Of the fabric, as long as the faults last. */
  readonly fabric: SimFaultOptions;
  /** The kinds that the seed enabled. */
  readonly kinds: readonly FaultKind[];
  readonly schedule: readonly ScheduledFault[];
  /** Length of the part with faults, in virtual time. */
  readonly safetyUs: number;
}

/** Draws a cluster, its clients and its faults: each from a generator of its own. */
export function drawSpec(
  seed: number,
  faults: 'all' | 'none',
  safetyUs: number = SAFETY_US,
): RunSpec {
  const random = new Random(seed);
  const plan = faults === 'all' ? drawFaultPlan(random.fork('plan')) : NO_FAULTS;
  return {
    seed,
    cluster: drawClusterOptions(seed, random.fork('cluster')),
    workload: drawWorkload(random.fork('workload')),
    fabric: plan.fabric,
    kinds: plan.kinds,
    schedule: drawSchedule(plan, safetyUs, random.fork('schedule')),
    safetyUs,
  };
}

function drawWorkload(random: Random): WorkloadOptions {
  return {
    clients: random.between(1, 4),
    thinkUsMax: random.pick([30, 100, 400]),
    burstMax: random.pick([1, 3, 10]),
    readProbability: random.pick([0.1, 0.4, 0.95]),
    syncProbability: random.pick([0, 0.1, 0.5]),
    withdrawProbability: random.pick([0, 0.1]),
    strayProbability: random.pick([0, 0.3]),
    emptyProbability: random.pick([0, 0.1]),
    waitingMax: 64,
  };
}
