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
  {
    name: 'entries follow a change of the membership before it is applied',
    seenBy: ['I3', 'I4', 'I7', 'I8', 'I13', 'exception'],
    file: `${PLANES}/leadership.ts`,
    find: 'this.#growth?.growth.holdsPosts === true || reconfiguration.pending;',
    replace: 'this.#growth?.growth.holdsPosts === true;',
  },
  {
    name: 'what a life acknowledged that is gone counts for the next',
    seenBy: ['I3', 'I4', 'I7', 'I8', 'I13', 'exception'],
    file: `${PLANES}/fast-path.ts`,
    find: 'this.#acknowledged[to] = 0;',
    replace: 'void to;',
  },
  {
    name: 'a removed replica keeps its grants',
    seenBy: ['I17'],
    file: `${PLANES}/plane-link.ts`,
    find: 'return removed !== 0 &&',
    replace: 'return removed < 0 &&',
  },
  {
    name: 'a log that is opened anew keeps the entries of its former life',
    seenBy: ['I5', 'I8', 'I13', 'I14', 'exception'],
    file: `${PLANES}/beginning.ts`,
    find: 'this.#log.fill(0, LOG_HEADER_BYTES);',
    replace: '',
  },
  {
    name: 'recycling passes a replica that is given the state',
    seenBy: ['L3', 'L5'],
    file: `${PLANES}/beginning.ts`,
    find: "this.#link.setInt('phase', LogPhase.catchingUp);",
    replace: '',
  },
  {
    name: 'whoever cannot bring the others further leads all the same',
    seenBy: ['L1', 'L3', 'L5'],
    file: `${PLANES}/electorate.ts`,
    find: "return missing <= link.int('spare');",
    replace: 'return missing >= 0;',
  },
  {
    name: 'old requests are granted when a log is opened anew',
    seenBy: ['L4'],
    file: `${PLANES}/log-opening.ts`,
    find: 'if (status.claim <= 0) permissions',
    replace: 'if (status.claim < -9) permissions',
  },
];
