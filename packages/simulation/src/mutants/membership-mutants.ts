import { PLANES, type Mutant } from './mutant.ts';

/** Defects of membership, joining and state transfer. */
export const MEMBERSHIP_MUTANTS: readonly Mutant[] = [
  {
    name: 'restart as old self: a new life counts as the member that died',
    seenBy: ['I3', 'I5', 'I7', 'I8', 'I9', 'I10', 'I13', 'I15', 'exception'],
    file: `${PLANES}/membership.ts`,
    find: 'member !== 0 && member === this.at(id) ? 1 : 0',
    replace: 'member !== 0 && this.at(id) !== 0 ? 1 : 0',
  },
  {
    name: 'a learner is counted before it is a member',
    seenBy: ['I3', 'I4', 'I7', 'I8', 'I13', 'exception'],
    file: `${PLANES}/membership.ts`,
    find: 'member !== 0 && member === this.at(id) ? 1 : 0',
    replace: 'this.at(id) !== 0 ? 1 : 0',
  },
];
