import { makeCheckers } from './all-checkers.ts';
import { observeAll } from './checkers.ts';
import { Clients, type WorkloadOptions } from './clients.ts';
import { drawClusterOptions, type ClusterOptions } from './cluster-options.ts';
import { FaultInjector } from './fault-injector.ts';
import { drawFaultPlan, NO_FAULTS, type FaultPlan } from './fault-plan.ts';
import { InvariantViolation } from './invariant-violation.ts';
import { CALM } from './link-faults.ts';
import { Liveness } from './liveness.ts';
import { Random } from './random.ts';
import { SimCluster } from './sim-cluster.ts';
import { Trace } from './trace.ts';

/** What one seed came to. */
export interface SeedResult {
  readonly seed: number;
  readonly steps: number;
  readonly decided: number;
  readonly reads: number;
  readonly unknown: number;
  readonly violation: InvariantViolation | undefined;
  readonly plan: FaultPlan;
  /** Empty unless asked for. */
  readonly trace: Trace | undefined;
}

export interface RunOptions {
  readonly faults: 'all' | 'none';
  readonly trace?: boolean;
  /** Length of the part with faults, in virtual time. */
  readonly safetyUs?: number;
}

const SAFETY_US = 12_000;

/** Draws a cluster, a workload and its faults from the seed, and runs them with all checkers on. */
export function runSeed(seed: number, options: RunOptions): SeedResult {
  const random = new Random(seed);
  const clusterOptions = drawClusterOptions(seed, random);
  const plan = options.faults === 'all' ? drawFaultPlan(random) : NO_FAULTS;
  const run = new Run(clusterOptions, drawWorkload(random), plan, random, options.trace === true);
  const violation = run.go(options.safetyUs ?? SAFETY_US);
  return { seed, ...run.counts, violation, plan, trace: run.trace };
}

function drawWorkload(random: Random): WorkloadOptions {
  return {
    clients: random.between(1, 4),
    thinkUsMax: random.pick([30, 100, 400]),
    burstMax: random.pick([1, 3, 10]),
    readProbability: random.pick([0.1, 0.4]),
    syncProbability: random.pick([0, 0.1, 0.5]),
    withdrawProbability: random.pick([0, 0.1]),
    strayProbability: random.pick([0, 0.3]),
    waitingMax: 64,
  };
}

/** One cluster with everything around it. */
export class Run {
  readonly cluster: SimCluster;
  readonly clients: Clients;
  readonly faults: FaultInjector;
  readonly trace: Trace | undefined;
  readonly #random: Random;

  constructor(
    options: ClusterOptions,
    workload: WorkloadOptions,
    plan: FaultPlan,
    random: Random,
    traced: boolean,
  ) {
    this.#random = random;
    const checkers = makeCheckers(options, () => this.cluster.replicas);
    this.trace = traced ? new Trace(() => this.cluster.nowUs) : undefined;
    // The trace first: it shows what the violation was about.
    const observer = observeAll([
      ...(this.trace ? [this.trace.checker] : []),
      ...checkers.list,
      { wrote: (_target, source, event) => this.faults.wrote(source, event) },
    ]);
    this.cluster = new SimCluster(options, random, observer, plan.fabric);
    this.clients = new Clients(
      this.cluster,
      random,
      observer,
      workload,
      () => checkers.durability.acknowledgedAt,
    );
    this.faults = new FaultInjector(this.cluster, random, observer, plan);
  }

  get counts(): { steps: number; decided: number; reads: number; unknown: number } {
    const { decided, reads, unknown } = this.clients;
    return { steps: this.cluster.steps, decided, reads, unknown };
  }

  /** The safety phase, then the liveness phase; returns what was violated. */
  go(safetyUs: number): InvariantViolation | undefined {
    try {
      this.clients.start();
      this.faults.start();
      this.cluster.runUntil(safetyUs);
      this.faults.stop();
      this.#calm();
      new Liveness(this.cluster, this.clients, this.#random).run();
      return undefined;
    } catch (error) {
      const violation =
        error instanceof InvariantViolation
          ? error
          : new InvariantViolation('exception', String(error), { cause: error });
      violation.seed = this.cluster.options.seed;
      violation.step = this.cluster.steps;
      return violation;
    }
  }

  #calm(): void {
    for (const from of this.cluster.replicas)
      for (const to of this.cluster.replicas)
        this.cluster.fabric.setLinkFaults(from.host, to.host, CALM);
  }
}
