import { makeCheckers } from './all-checkers.ts';
import { observeAll } from './checkers.ts';
import { Clients } from './clients.ts';
import { FaultInjector } from './fault-injector.ts';
import { InvariantViolation } from './invariant-violation.ts';
import { CALM } from './link-faults.ts';
import { Liveness } from './liveness.ts';
import { Random } from './random.ts';
import { drawSpec, type RunSpec } from './run-spec.ts';
import { SimCluster } from './sim-cluster.ts';
import { Trace } from './trace.ts';

/** What one run came to. */
export interface SeedResult {
  readonly seed: number;
  /** Simulated events. */
  readonly steps: number;
  readonly decided: number;
  readonly reads: number;
  readonly unknown: number;
  readonly violation: InvariantViolation | undefined;
  readonly spec: RunSpec;
  /** Undefined unless asked for. */
  readonly trace: Trace | undefined;
}

export interface RunOptions {
  readonly faults: 'all' | 'none';
  /** `'hash'` keeps only the hash over all lines. Default: no trace. */
  readonly trace?: 'lines' | 'hash' | undefined;
  /** Length of the part with faults, in virtual time. */
  readonly safetyUs?: number;
}

/** Draws a cluster, a workload and its faults from the seed, and runs them with all checkers on. */
export function runSeed(seed: number, options: RunOptions): SeedResult {
  return runSpec(drawSpec(seed, options.faults, options.safetyUs), options.trace);
}

/** Runs what a spec says, with all checkers on. */
export function runSpec(spec: RunSpec, trace?: 'lines' | 'hash'): SeedResult {
  const run = new Run(spec, trace);
  const violation = run.go();
  return { seed: spec.seed, ...run.counts, violation, spec, trace: run.trace };
}

/** One cluster with everything around it. */
class Run {
  readonly trace: Trace | undefined;
  readonly #cluster: SimCluster;
  readonly #clients: Clients;
  readonly #faults: FaultInjector;
  readonly #spec: RunSpec;
  readonly #random: Random;

  constructor(spec: RunSpec, trace: 'lines' | 'hash' | undefined) {
    this.#spec = spec;
    this.#random = new Random(spec.cluster.seed);
    const checkers = makeCheckers(spec.cluster, () => this.#cluster.replicas);
    this.trace =
      trace === undefined ? undefined : new Trace(() => this.#cluster.nowUs, trace === 'lines');
    // The trace first, it shows what a violation was about; the faults last, they may end a step.
    const observer = observeAll([
      ...(this.trace ? [this.trace.checker] : []),
      ...checkers.list,
      {
        wrote: (...all) => this.#faults.observer.wrote?.(...all),
        permissionChanged: (...all) => this.#faults.observer.permissionChanged?.(...all),
        leading: (...all) => this.#faults.observer.leading?.(...all),
        applied: (...all) => this.#faults.observer.applied?.(...all),
      },
    ]);
    const scheduling = this.#random.fork('scheduling');
    this.#cluster = new SimCluster(spec.cluster, scheduling, observer, spec.fabric);
    this.#clients = new Clients(
      this.#cluster,
      this.#random.fork('clients'),
      observer,
      spec.workload,
      () => checkers.durability.acknowledgedAt,
    );
    this.#faults = new FaultInjector(this.#cluster, observer, spec.schedule);
  }

  get counts(): { steps: number; decided: number; reads: number; unknown: number } {
    const { decided, reads, unknown } = this.#clients;
    return { steps: this.#cluster.steps, decided, reads, unknown };
  }

  /** The safety phase, then the liveness phase; returns what was violated. */
  go(): InvariantViolation | undefined {
    try {
      this.#clients.start();
      this.#faults.start();
      this.#cluster.runUntil(this.#spec.safetyUs);
      this.#faults.stop();
      this.#calm();
      new Liveness(this.#cluster, this.#clients, this.#random.fork('liveness')).run();
      return undefined;
    } catch (error) {
      const violation =
        error instanceof InvariantViolation
          ? error
          : new InvariantViolation('exception', String(error), { cause: error });
      violation.seed = this.#spec.seed;
      violation.step = this.#cluster.steps;
      violation.timeUs = this.#cluster.nowUs;
      return violation;
    }
  }

  #calm(): void {
    for (const from of this.#cluster.replicas)
      for (const to of this.#cluster.replicas)
        this.#cluster.fabric.setLinkFaults(from.host, to.host, CALM);
  }
}
