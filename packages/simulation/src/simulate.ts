import { runSeed } from './run-seed.ts';

export interface SimulateOptions {
  /** How many seeds. */
  readonly seeds: number;
  /** The first of them. */
  readonly first: number;
  readonly faults: 'all' | 'none';
}

/** What `mu sim` prints. */
export interface SimulationReport {
  readonly seeds: number;
  readonly first: number;
  /** Simulated events. */
  readonly steps: number;
  readonly violations: readonly {
    readonly seed: number;
    readonly invariant: string;
    readonly step: number;
  }[];
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
  const violations: { seed: number; invariant: string; step: number }[] = [];
  let steps = 0;
  let livenessFailures = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const result = runSeed(seed, { faults });
    steps += result.steps;
    const { violation } = result;
    if (violation !== undefined) {
      const { invariant, step } = violation;
      violations.push({ seed, invariant, step });
      if (invariant.startsWith('L')) livenessFailures++;
    }
    onProgress(seed, result.steps, violation?.message);
  }
  const seconds = Math.round(performance.now() - begin) / 1000;
  return { seeds, first, steps, violations, livenessFailures, seconds };
}

/** Everything that happens in one seed, one line per event, and the violation it ends with. */
export function traceOf(seed: number, faults: 'all' | 'none' = 'all'): string[] {
  const { trace, violation } = runSeed(seed, { faults, trace: true });
  const lines = [...(trace?.lines ?? [])];
  if (violation !== undefined)
    lines.push(`seed ${seed}, step ${violation.step}: ${violation.message}`);
  return lines;
}
