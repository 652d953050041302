import { PLANES, type Mutant } from './mutant.ts';

const TABLE = 'consensus/src/sessions/session-table.ts';

/** Defects of sessions, and of the comparison of states. */
export const SESSION_MUTANTS: readonly Mutant[] = [
  {
    name: 'double apply of a session: its replies are not looked at',
    seenBy: ['I11'],
    file: TABLE,
    find: "if (reply !== undefined) return { kind: 'again', reply };",
    replace: '',
  },
  {
    name: 'double apply of a session: its replies are not in snapshots',
    seenBy: ['I11'],
    file: TABLE,
    find: 'replies: new Map(replies) });',
    replace: 'replies: new Map() });',
  },
  {
    name: 'what is forgotten of a session is taken for new',
    seenBy: ['I11'],
    file: TABLE,
    find: "{ kind: 'forgotten' } : { kind: 'new' }",
    replace: "{ kind: 'new' } : { kind: 'new' }",
  },
  {
    name: 'digests are taken and never compared',
    seenBy: ['I9'],
    scenario: 'stateThatGoesAstray',
    file: `${PLANES}/divergence-detector.ts`,
    find: 'if (own === digest) return;',
    replace: 'if (own.length === digest.length) return;',
  },
  {
    name: 'a digest is compared with that of another offset',
    seenBy: ['I9'],
    file: `${PLANES}/divergence-detector.ts`,
    find: 'const own = this.#taken.get(at);',
    replace: 'const own = [...this.#taken.values()][0];',
  },
];
