import { PLANES, type Mutant } from './mutant.ts';

/** Defects of entries, replay, recycling, announcements and reads. */
export const LOG_MUTANTS: readonly Mutant[] = [
  {
    name: 'a log that is opened anew forgets what it accepted',
    seenBy: ['I3', 'I5', 'I10'],
    scenario: 'logThatIsOpenedAnew',
    file: `${PLANES}/beginning.ts`,
    find: 'this.#clearAllBut(at, this.#ownLog.end(at));',
    replace: 'this.#clearAllBut(at, at);',
  },
  {
    name: 'an entry counts without its checksum',
    seenBy: ['I5', 'I13', 'exception'],
    file: 'log/src/entry-view.ts',
    find: 'trailerMatches(this.#bytes, this.#at, this.#at + this.totalBytes)',
    replace: '(offset >= 0 || trailerMatches(this.#bytes, this.#at, this.#at + this.totalBytes))',
  },
  {
    name: 'no absolute offset in the integrity check',
    seenBy: ['I5', 'I13', 'exception', 'hang'],
    file: 'log/src/entry-view.ts',
    find: 'this.#doubles[double + 1] === offset &&',
    replace: 'this.#doubles[double + 1] <= offset &&',
  },
  {
    name: 'no zeroing: released bytes stay as they are',
    seenBy: ['I14'],
    file: `${PLANES}/recycler.ts`,
    find: 'this.#log.fill(0, position, position + length);',
    replace: 'void (position + length);',
  },
  {
    name: 'release before applied: the leader releases what a member has not applied',
    seenBy: ['I14', 'I15'],
    file: 'consensus/src/core/recycle-bound.ts',
    find: 'lowest = Math.min(lowest, member.applied);',
    replace: 'lowest = Math.min(lowest, member.applied + 256);',
  },
  {
    name: 'a replica releases what it has not applied itself',
    seenBy: ['I14', 'I15'],
    file: `${PLANES}/replication-plane.ts`,
    find: 'Math.min(releasable, applied, this.#leadership?.copiesFrom ?? Infinity)',
    replace: 'Math.min(releasable + 128, this.#leadership?.copiesFrom ?? Infinity)',
  },
  {
    name: 'wait for all on recycle: a dead member holds the ring',
    seenBy: ['L2', 'L5'],
    file: 'consensus/src/core/recycle-bound.ts',
    find: 'return member.keepsUp || tail - member.applied <= capacityBytes / 2;',
    replace: 'return member.keepsUp || tail - member.applied <= capacityBytes;',
  },
  {
    name: 'the ring has no limit',
    seenBy: ['I14'],
    file: `${PLANES}/fast-path.ts`,
    find: 'end <= this.limit &&',
    replace: '',
  },
  {
    name: 'idle flush beyond the first undecided offset',
    seenBy: ['I8', 'I13', 'exception'],
    file: `${PLANES}/announcer.ts`,
    find: `    if (outstanding > 0) return false;
    if (decided === this.#link.offset(Double.announced) && writer.release === this.#release)
      return false;
    if (active.some((lane) => lane.queuePair.outstanding > 0)) return false;
    const commit = { firstUndecided: decided, release: writer.release };`,
    replace: `    if (outstanding < 0 || this.#fastPath.tail === this.#link.offset(Double.announced)) return false;
    const commit = { firstUndecided: this.#fastPath.tail, release: writer.release };`,
  },
  {
    name: 'an entry tells followers more than is decided',
    seenBy: ['I8', 'I13', 'exception'],
    file: `${PLANES}/fast-path.ts`,
    find: 'const bytes = this.writer.header(',
    replace: 'this.writer.firstUndecided = offset;\n    const bytes = this.writer.header(',
  },
  {
    name: 'read before permission proof',
    seenBy: ['I12', 'I16'],
    file: `${PLANES}/permission-proofs.ts`,
    find: 'if (having < majority) return;',
    replace: '',
  },
  {
    name: 'a read joins a proof that was posted before it',
    seenBy: ['I12', 'I16'],
    file: `${PLANES}/permission-proofs.ts`,
    find: 'this.#waiters.push({ serial: this.#posted + 1, settle });',
    replace: 'this.#waiters.push({ serial: Math.max(1, this.#posted), settle });',
  },
  {
    name: 'direct mode takes whatever is applied at its offset for its own',
    seenBy: ['I4', 'L2', 'exception'],
    file: `${PLANES}/pending.ts`,
    find: `    this.sync.forget();
    for (const entry`,
    replace: '    for (const entry',
  },
  {
    name: 'apply is not deterministic',
    seenBy: ['I9'],
    file: 'simulation/src/recorder.ts',
    find: '^ id) >>> 0;',
    replace: '^ id ^ (context.local ? 1 : 0)) >>> 0;',
  },
];
