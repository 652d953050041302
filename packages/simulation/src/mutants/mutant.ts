import type * as scenarios from '../scenarios/index.ts';

/** A defect planted into the production code: one piece of source text replaced by another. */
export interface Mutant {
  readonly name: string;
  /** The rules whose checkers may be the first to see it. */
  readonly seenBy: readonly string[];
  /** The scenario that shows it, where seeds do so too rarely. */
  readonly scenario?: keyof typeof scenarios;
  /** Where the seeds begin; default 1. One that shows it, where they do so too rarely. */
  readonly firstSeed?: number;
  /** Path below `packages/`. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** Where most of them are planted. */
export const PLANES = 'consensus/src/planes';
