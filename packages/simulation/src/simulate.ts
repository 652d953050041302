import { runSeed } from './run-seed.ts';

/** Of so many seeds, one is run twice, to see that both runs go the same way. */
const RUN_TWICE_EVERY = 25;

export interface SimulateOptions {
  /** How many seeds. */
  readonly seeds: number;
  /** The first of them. */
  readonly first: number;
  readonly faults: 'all' | 'none';
}

/** A rule that a seed broke. */
export interface SeedViolation {
  readonly seed: number;
  /** I1 to I17, L1 to L6, `exception` or `determinism`. */
  readonly invariant: string;
  /** The simulated event after which it was seen. */
  readonly step: number;
}

/** What `mu sim` prints. */
export interface SimulationReport {
  readonly seeds: number;
  readonly first: number;
  /** Simulated events. */
  readonly steps: number;
  readonly violations: readonly SeedViolation[];
  readonly livenessFailures: number;
  readonly seconds: number;
}

/** Told after each seed; `detail` is set when it violated something. */
export type SimulationProgress = (seed: number, steps: number, detail: string | undefined) => void;

/** Runs a range of seeds. Liveness failures are counted, and listed among the violations too. */
export function simulate(
  { seeds, first, faults }: SimulateOptions,
  onProgress: SimulationProgress = () => undefined,
): SimulationReport {
  const begin = performance.now();
  const violations: SeedViolation[] = [];
  let steps = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const checked = seed % RUN_TWICE_EVERY === 0;
    const result = runSeed(seed, { faults, trace: checked ? 'hash' : undefined });
    steps += result.steps;
    const { violation } = result;
    if (violation !== undefined) {
      const { invariant, step } = violation;
      violations.push({ seed, invariant, step });
    } else if (checked) {
      const again = runSeed(seed, { faults, trace: 'hash' });
      if (again.trace?.hash !== result.trace?.hash)
        violations.push({ seed, invariant: 'determinism', step: again.steps });
    }
    onProgress(seed, result.steps, violation?.message);
  }
  return {
    seeds,
    first,
    steps,
    violations,
    livenessFailures: livenessFailures(violations),
    seconds: secondsSince(begin),
  };
}

export function livenessFailures(violations: readonly SeedViolation[]): number {
  return violations.filter(({ invariant }) => invariant.startsWith('L')).length;
}

/** Since a reading of `performance.now()`, to the millisecond. */
export function secondsSince(begin: number): number {
  return Math.round(performance.now() - begin) / 1000;
}

/** Everything that happens in one seed, one line per event, and the violation it ends with. */
export function traceOf(seed: number, faults: 'all' | 'none' = 'all'): string[] {
  const { trace, violation } = runSeed(seed, { faults, trace: 'lines' });
  const lines = [...(trace?.lines ?? [])];
  if (violation !== undefined)
    lines.push(`seed ${seed}, step ${violation.step}: ${violation.message}`);
  return lines;
}
