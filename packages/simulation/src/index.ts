/**
 * Deterministic simulation of whole Mu clusters: seeds, faults, invariants.
 *
 * @packageDocumentation
 */
export { FAULT_KINDS, type FaultKind, type FaultPlan } from './fault-plan.ts';
export { InvariantViolation, type Invariant } from './invariant-violation.ts';
export { runSeed, type RunOptions, type SeedResult } from './run-seed.ts';
export {
  simulate,
  traceOf,
  type SimulateOptions,
  type SimulationProgress,
  type SimulationReport,
} from './simulate.ts';
export type { Trace } from './trace.ts';
