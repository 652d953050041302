import { PLANES, type Mutant } from './mutant.ts';

/** Defects of taking over, proposing and answering. */
export const PROPOSE_MUTANTS: readonly Mutant[] = [
  {
    name: 'acknowledge before majority: one acknowledgement decides',
    seenBy: ['I4', 'I7', 'I8'],
    file: `${PLANES}/fast-path.ts`,
    find: 'this.#majority = majorityOf(options.replicas);',
    replace: 'this.#majority = 1;',
  },
  {
    name: 'decided without one’s own log',
    seenBy: ['I4', 'I7', 'I8', 'I13', 'exception'],
    file: `${PLANES}/fast-path.ts`,
    find: 'const decided = (own < quorum ? own : quorum) as LogOffset;',
    replace: 'const decided = (own < 0 ? own : quorum) as LogOffset;',
  },
  {
    name: 'success on adoption: whatever is decided at the offset of a lost proposal is its success',
    seenBy: ['I4', 'I16'],
    file: `${PLANES}/pending.ts`,
    find: 'const posted = this.#posted.splice(0).slice(this.#postedAt);',
    replace: `this.#posted.splice(0, this.#postedAt);
    const posted: PostedEntry<Result>[] = [];`,
  },
  {
    name: 'skip prepare after an abort',
    seenBy: ['I3', 'I5'],
    file: `${PLANES}/take-over.ts`,
    find: 'yield* this.#adopt();',
    replace: '',
  },
  {
    name: 'the value with the lowest proposal is adopted',
    seenBy: ['I3', 'I5'],
    file: 'consensus/src/core/value-choice.ts',
    find: 'slot.proposal <= highest',
    replace: '(winner !== undefined && slot.proposal >= highest)',
  },
  {
    name: 'an adopted slot is overwritten without an undo copy',
    seenBy: ['I3', 'I5'],
    file: `${PLANES}/take-over.ts`,
    find: "if (slot.kind === 'empty' || !fastPath.active.includes(to)) continue;",
    replace: 'if (slots.length > 0) continue;',
  },
  {
    name: 'followers are not updated by a new leader',
    seenBy: ['I5', 'I8', 'I9', 'I13', 'exception'],
    file: `${PLANES}/take-over.ts`,
    find: 'yield* this.#updateFollowers();',
    replace: '',
  },
  {
    name: 'a new leader does not catch up',
    seenBy: ['I3', 'I5', 'I10', 'I13'],
    file: `${PLANES}/take-over.ts`,
    find: 'yield* catchUp(this.#o);',
    replace: '',
  },
  {
    name: 'a late follower is added without what it misses',
    seenBy: ['I8', 'I9', 'I13', 'exception'],
    file: `${PLANES}/growth.ts`,
    find: 'if (own > has) has = yield* this.#copy(has, own);',
    replace: 'if (own > has) has = own;',
  },
  {
    name: 'proposal numbers of two replicas coincide',
    seenBy: ['I6'],
    file: 'consensus/src/core/proposal-number.ts',
    find: 'const next = round * REPLICAS_MAX + replica;',
    replace: 'const next = round * REPLICAS_MAX;',
  },
  {
    name: 'the only whole promise is overwritten',
    seenBy: ['I6'],
    file: `${PLANES}/promise-cells.ts`,
    find: 'return first <= second',
    replace: 'return first > second',
  },
  {
    name: 'count a dead follower’s stale completion',
    seenBy: ['I3', 'I4', 'I7', 'I8', 'I9', 'I10', 'I13', 'exception'],
    file: `${PLANES}/replication-plane.ts`,
    find: 'if (status === 0) leadership.succeeded',
    replace: 'if (status === 0 || status === 12) leadership.succeeded',
  },
  {
    name: 'what was posted is reported as not done',
    seenBy: ['I4'],
    file: `${PLANES}/pending.ts`,
    find: 'proposal.settle(unknown);',
    replace: 'proposal.settle(notDone);',
  },
  {
    name: 'a withdrawn command is posted',
    seenBy: ['I4'],
    file: `${PLANES}/pending.ts`,
    find: 'if (!proposal.withdrawn) return proposal;',
    replace: 'if (proposal.command.length >= 0) return proposal;',
  },
];
