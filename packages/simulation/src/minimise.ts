import type { ScheduledFault } from './fault-plan.ts';
import type { InvariantViolation } from './invariant-violation.ts';
import { runSpec } from './run-seed.ts';
import type { RunSpec } from './run-spec.ts';

/** How much trying a minimisation may cost. */
export interface MinimiseBudget {
  readonly seconds: number;
}

/** The smallest failing run that was found. */
export interface Minimised {
  readonly spec: RunSpec;
  readonly violation: InvariantViolation;
  /** How many runs it took. */
  readonly runs: number;
}

/** One way to make a run simpler. */
type Simplification = (spec: RunSpec) => RunSpec;

const withWorkload =
  (workload: Partial<RunSpec['workload']>): Simplification =>
  (spec) => ({ ...spec, workload: { ...spec.workload, ...workload } });

function fewerClients(spec: RunSpec): RunSpec {
  return withWorkload({ clients: Math.ceil(spec.workload.clients / 2) })(spec);
}

function withoutDigests({ cluster, ...spec }: RunSpec): RunSpec {
  return {
    ...spec,
    cluster: { ...cluster, tuning: { ...cluster.tuning, digestIntervalBytes: 0 } },
  };
}

/** Tried in order, each kept if the same rule is still broken. */
const SIMPLIFICATIONS: readonly Simplification[] = [
  (spec) => ({ ...spec, fabric: 'none' }),
  fewerClients,
  fewerClients,
  withWorkload({ burstMax: 1 }),
  withWorkload({ readProbability: 0 }),
  withWorkload({ syncProbability: 0 }),
  withWorkload({ withdrawProbability: 0 }),
  withWorkload({ strayProbability: 0 }),
  withWorkload({ emptyProbability: 0 }),
  withWorkload({ thinkUsMax: 400 }),
  (spec) => ({ ...spec, cluster: { ...spec.cluster, sessions: undefined } }),
  withoutDigests,
  (spec) => ({ ...spec, cluster: { ...spec.cluster, replicas: 3 } }),
];

/**
 * Looks for a smaller run that breaks the same rule as `spec`: fewer faults (by delta debugging),
 * shorter ones, less time, a calmer fabric and workload. A person can read what is left.
 *
 * Returns `undefined` when `spec` breaks nothing.
 */
export function minimise(spec: RunSpec, budget: MinimiseBudget): Minimised | undefined {
  const first = runSpec(spec).violation;
  return first === undefined ? undefined : new Search(spec, first, budget).run();
}

/** Keeps the smallest failing run so far. */
class Search {
  readonly #untilMs: number;
  #best: RunSpec;
  #violation: InvariantViolation;
  #runs = 1;

  constructor(spec: RunSpec, violation: InvariantViolation, { seconds }: MinimiseBudget) {
    this.#best = spec;
    this.#violation = violation;
    this.#untilMs = performance.now() + seconds * 1000;
  }

  run(): Minimised {
    for (let before = ''; before !== this.#size();) {
      before = this.#size();
      this.#cutTime();
      this.#dropFaults();
      for (const simplify of SIMPLIFICATIONS) this.#try(simplify(this.#best));
      this.#shortenFaults();
    }
    return { spec: this.#best, violation: this.#violation, runs: this.#runs };
  }

  #size(): string {
    return JSON.stringify(this.#best);
  }

  /** Keeps a candidate that breaks the same rule. */
  #try(candidate: RunSpec): boolean {
    if (performance.now() > this.#untilMs) return false;
    this.#runs++;
    const { violation } = runSpec(candidate);
    if (violation?.invariant !== this.#violation.invariant) return false;
    this.#best = candidate;
    this.#violation = violation;
    return true;
  }

  /** What happens after the violation is of no interest, nor are faults that were to come then. */
  #cutTime(): void {
    const safetyUs = Math.ceil(this.#violation.timeUs);
    if (safetyUs >= this.#best.safetyUs) return;
    const schedule = this.#best.schedule.filter(({ atUs }) => atUs <= safetyUs);
    this.#try({ ...this.#best, safetyUs, schedule });
  }

  /** Delta debugging: leaves out ever smaller parts of the schedule. */
  #dropFaults(): void {
    for (let size = this.#best.schedule.length; size >= 1; size = Math.floor(size / 2))
      for (let from = 0; from < this.#best.schedule.length;) {
        const { schedule } = this.#best;
        const rest = [...schedule.slice(0, from), ...schedule.slice(from + size)];
        if (!this.#tryFaults(rest)) from += size;
      }
  }

  #shortenFaults(): void {
    for (let at = 0; at < this.#best.schedule.length; at++)
      for (const part of [10, 2]) {
        const { schedule } = this.#best;
        const us = Math.max(1, Math.floor(schedule[at].us / part));
        if (us === schedule[at].us) break;
        if (this.#tryFaults(schedule.with(at, { ...schedule[at], us }))) break;
      }
  }

  #tryFaults(schedule: readonly ScheduledFault[]): boolean {
    return this.#try({ ...this.#best, schedule });
  }
}
