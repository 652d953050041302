/**
 * Deterministic simulation of whole Mu clusters: seeds, faults, invariants.
 *
 * @packageDocumentation
 */
export type { WorkloadOptions } from './clients.ts';
export type { ClusterOptions } from './cluster-options.ts';
export { explain } from './explain.ts';
export { FAULT_KINDS, type FaultKind, type ScheduledFault } from './fault-plan.ts';
export { InvariantViolation, type Invariant } from './invariant-violation.ts';
export { minimise, type MinimiseBudget, type Minimised } from './minimise.ts';
export { Random } from './random.ts';
export { runSeed, runSpec, type RunOptions, type SeedResult } from './run-seed.ts';
export { drawSpec, type RunSpec } from './run-spec.ts';
export { simulateInParallel, type ParallelProgress } from './simulate-in-parallel.ts';
export {
  simulate,
  traceOf,
  type SeedViolation,
  type SimulateOptions,
  type SimulationProgress,
  type SimulationReport,
} from './simulate.ts';
export type { Trace } from './trace.ts';
