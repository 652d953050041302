/** A defect planted into the production code: one piece of source text replaced by another. */
export interface Mutant {
  readonly name: string;
  /** The rules whose checkers may be the first to see it. */
  readonly seenBy: readonly string[];
  /** The scenario that shows it, where seeds do so too rarely. */
  readonly scenario?: 'followerThatWasAnothersInBetween' | 'granterThatHasNotReadItsLog';
  /** Path below `packages/`. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

const PLANES = 'consensus/src/planes';

/** Each removes one thing that a rule of protocol.md demands. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'the former holder keeps its permission',
    seenBy: ['I1'],
    file: `${PLANES}/permission-manager.ts`,
    find: 'if (this.#holder !== undefined) this.#revoke(this.#holder);',
    replace: '',
  },
  {
    name: 'permission is granted before it is revoked',
    seenBy: ['I1'],
    file: `${PLANES}/permission-manager.ts`,
    find: `if (this.#holder !== undefined) this.#revoke(this.#holder);
      this.#holder = undefined;
      this.#betweenWriters();
      this.#grant(requester, generation);`,
    replace: `const former = this.#holder;
      this.#grant(requester, generation);
      if (former !== undefined && former !== requester) this.#revoke(former);`,
  },
  {
    name: 'whatever is decided at the offset of a lost proposal counts as its success',
    seenBy: ['I4', 'I16'],
    file: `${PLANES}/pending.ts`,
    find: 'const posted = this.#posted.splice(0).slice(this.#postedAt);',
    replace: `this.#posted.splice(0, this.#postedAt);
    const posted: PostedEntry<Result>[] = [];`,
  },
  {
    name: 'one acknowledgement decides',
    seenBy: ['I4', 'I7', 'I8'],
    file: `${PLANES}/fast-path.ts`,
    find: 'this.#majority = majorityOf(options.replicas);',
    replace: 'this.#majority = 1;',
  },
  {
    name: 'the prepare phase is skipped after a leader change',
    seenBy: ['I5'],
    file: `${PLANES}/take-over.ts`,
    find: 'yield* this.#adopt();',
    replace: '',
  },
  {
    name: 'a read does not wait for the permission proof',
    seenBy: ['I12'],
    file: `${PLANES}/permission-proofs.ts`,
    find: 'if (having < this.#majority) return;',
    replace: '',
  },
  {
    name: 'released bytes are not zeroed',
    seenBy: ['I14'],
    file: `${PLANES}/recycler.ts`,
    find: 'this.#log.fill(0, position, position + length);',
    replace: 'void (position + length);',
  },
  {
    name: 'the leader releases what a member has not applied',
    seenBy: ['I14', 'I15'],
    file: 'consensus/src/core/recycle-bound.ts',
    find: 'lowest = Math.min(lowest, member.applied);',
    replace: 'lowest = Math.min(lowest, member.applied + 256);',
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
    name: 'a follower that was another leader’s is counted again without prepare',
    seenBy: ['I3', 'I9'],
    scenario: 'followerThatWasAnothersInBetween',
    file: `${PLANES}/growth.ts`,
    find: 'yield* this.#promise();',
    replace: '',
  },
  {
    name: 'a grant is acknowledged with what was read, not with what the log tells',
    seenBy: ['I3', 'I5'],
    scenario: 'granterThatHasNotReadItsLog',
    file: `${PLANES}/own-log.ts`,
    find: 'let most = known;',
    replace: 'if (scanned >= 0) return known;\n    let most = known;',
  },
  {
    name: 'the ring has no limit',
    seenBy: ['I14'],
    file: `${PLANES}/fast-path.ts`,
    find: 'end <= this.limit &&',
    replace: '',
  },
  {
    name: 'the only whole promise is overwritten',
    seenBy: ['I6'],
    file: `${PLANES}/promise-cells.ts`,
    find: 'return first <= second',
    replace: 'return first > second',
  },
  {
    name: 'a refusal is taken for a dead follower',
    seenBy: ['I16'],
    file: `${PLANES}/leadership.ts`,
    find: 'if (isPermissionError(status)) throw',
    replace: 'if (isPermissionError(status) && lane < 0) throw',
  },
  {
    name: 'an entry counts without its checksum',
    seenBy: ['I5', 'I13', 'exception'],
    file: 'log/src/entry-view.ts',
    find: 'trailerMatches(this.#bytes, this.#at, this.#at + this.totalBytes)',
    replace: '(offset >= 0 || trailerMatches(this.#bytes, this.#at, this.#at + this.totalBytes))',
  },
  {
    name: 'nothing is rolled back',
    seenBy: ['I3', 'I5'],
    file: `${PLANES}/permission-manager.ts`,
    find: 'this.#betweenWriters();',
    replace: '',
  },
];
