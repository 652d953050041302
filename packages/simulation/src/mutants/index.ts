/**
 * Defects planted into the production code, and whether the simulator's checkers see them.
 *
 * @packageDocumentation
 */
import { LOG_MUTANTS } from './log-mutants.ts';
import { MEMBERSHIP_MUTANTS } from './membership-mutants.ts';
import type { Mutant } from './mutant.ts';
import { PERMISSION_MUTANTS } from './permission-mutants.ts';
import { PROPOSE_MUTANTS } from './propose-mutants.ts';
import { SESSION_MUTANTS } from './session-mutants.ts';

export { huntMutants, type HuntOptions, type MutantResult } from './hunt-mutants.ts';
export type { Mutant } from './mutant.ts';

/** Each removes one thing that a rule of protocol.md demands. */
export const MUTANTS: readonly Mutant[] = [
  ...PERMISSION_MUTANTS,
  ...PROPOSE_MUTANTS,
  ...LOG_MUTANTS,
  ...MEMBERSHIP_MUTANTS,
  ...SESSION_MUTANTS,
];
