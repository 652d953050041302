import { Worker } from 'node:worker_threads';
import {
  livenessFailures,
  secondsSince,
  type SeedViolation,
  type SimulateOptions,
  type SimulationReport,
} from './simulate.ts';

/** Seeds that a thread gets at a time: few, so that all threads end together. */
const SEEDS_AT_ONCE = 10;

/** Told whenever some seeds are done. */
export type ParallelProgress = (done: number, violations: readonly SeedViolation[]) => void;

/** Runs a range of seeds on several threads; the report is that of `simulate`, whoever ran which. */
export async function simulateInParallel(
  options: SimulateOptions,
  threads: number,
  onProgress: ParallelProgress = () => undefined,
): Promise<SimulationReport> {
  const begin = performance.now();
  const { seeds, first, faults } = options;
  const violations: SeedViolation[] = [];
  let steps = 0;
  let next = first;
  let done = 0;
  const take = (): SimulateOptions | undefined => {
    const count = Math.min(SEEDS_AT_ONCE, first + seeds - next);
    if (count === 0) return undefined;
    next += count;
    return { seeds: count, first: next - count, faults };
  };
  const finished = (report: SimulationReport): void => {
    steps += report.steps;
    done += report.seeds;
    violations.push(...report.violations);
    onProgress(done, violations);
  };
  await Promise.all(Array.from({ length: threads }, () => serve(take, finished)));
  violations.sort((a, b) => a.seed - b.seed);
  return {
    seeds,
    first,
    steps,
    violations,
    livenessFailures: livenessFailures(violations),
    seconds: secondsSince(begin),
  };
}

/** Keeps one thread busy until nothing is left to take. */
function serve(
  take: () => SimulateOptions | undefined,
  finished: (report: SimulationReport) => void,
): Promise<void> {
  const worker = new Worker(new URL('./seed-worker.js', import.meta.url));
  return new Promise((resolve, reject) => {
    const hand = (): void => {
      const chunk = take();
      if (chunk === undefined) worker.terminate().then(() => resolve(), reject);
      else worker.postMessage(chunk);
    };
    worker.on('message', (report: SimulationReport) => {
      finished(report);
      hand();
    });
    worker.once('error', reject);
    hand();
  });
}
