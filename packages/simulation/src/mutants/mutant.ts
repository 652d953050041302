import type * as scenarios from '../scenarios/index.ts';

/** One piece of source text replaced by another. */
export interface Patch {
  /** Path below `packages/`. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** A defect planted into the production code. */
export interface Mutant extends Patch {
  readonly name: string;
  /** The rules whose checkers may be the first to see it. */
  readonly seenBy: readonly string[];
  /** The scenario that shows it, where seeds do so too rarely. */
  readonly scenario?: keyof typeof scenarios;
  /** The other places, where several keep the rule and any of them suffices. */
  readonly also?: readonly Patch[];
}

/** Where most of them are planted. */
export const PLANES = 'consensus/src/planes';
