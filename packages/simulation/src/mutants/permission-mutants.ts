import { PLANES, type Mutant } from './mutant.ts';

/** Defects of granting, revoking, epochs and elections. */
export const PERMISSION_MUTANTS: readonly Mutant[] = [
  {
    name: 'skip revoke: the former holder keeps its permission',
    seenBy: ['I1'],
    file: `${PLANES}/permission-manager.ts`,
    find: 'if (this.#holder !== undefined) this.#revoke(this.#holder);',
    replace: '',
  },
  {
    name: 'grant before revoke',
    seenBy: ['I1'],
    file: `${PLANES}/permission-manager.ts`,
    find: `this.withdraw();
      this.#grant(requester, generation);`,
    replace: `this.#grant(requester, generation);
      this.withdraw();`,
  },
  {
    name: 'a majority of grants is not waited for',
    seenBy: ['I7'],
    file: `${PLANES}/grant-gathering.ts`,
    find: 'if (granted.length < this.#membership.majority) return undefined;',
    replace: '',
    also: [
      {
        file: `${PLANES}/take-over.ts`,
        find: `    if (!this.#o.fastPath.hasMajority)
      throw new EpochEnded('below a majority of its configuration');`,
        replace: '',
      },
      {
        file: `${PLANES}/round.ts`,
        find: "if (!this.#fastPath.hasMajority) throw new EpochEnded('below a majority');",
        replace: '',
      },
    ],
  },
  {
    name: 'drop epoch: grants of older epochs count',
    seenBy: ['I7'],
    file: `${PLANES}/epoch-lanes.ts`,
    find: 'this.#link.int(Int.grant, to) >= epoch;',
    replace: 'epoch > 0 && this.#link.int(Int.grant, to) > 0;',
  },
  {
    name: 'a lane is handed back with writes under way',
    seenBy: ['I2', 'I3', 'I5', 'I9', 'I13', 'exception'],
    file: `${PLANES}/epoch-lanes.ts`,
    find: 'queuePair.control.fail();',
    replace: '',
  },
  {
    name: 'what waits for the doorbell when a lane is handed back is left to the next epoch',
    seenBy: ['I2', 'I3'],
    scenario: 'entryThatWaitedForItsDoorbell',
    file: `${PLANES}/epoch-lanes.ts`,
    find: 'this.#sendRing.doorbell();',
    replace: '',
  },
  {
    name: 'a refusal is taken for a dead follower',
    seenBy: ['I16'],
    file: `${PLANES}/leadership.ts`,
    find: 'if (isPermissionError(status)) throw',
    replace: 'if (isPermissionError(status) && lane < 0) throw',
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
    name: 'nothing is rolled back between two writers',
    seenBy: ['I3', 'I5'],
    file: `${PLANES}/permission-manager.ts`,
    find: 'this.#betweenWriters();',
    replace: '',
  },
  {
    name: 'no fate sharing: the heartbeat speaks for a stuck replication plane',
    seenBy: ['L6'],
    file: 'consensus/src/core/fate-sharing.ts',
    find: 'return nowUs - this.#since <= this.#limitUs;',
    replace: 'return nowUs >= this.#since;',
  },
  {
    name: 'a heartbeat that stands still counts as moved',
    seenBy: ['L1', 'L2', 'L3', 'L6'],
    file: 'consensus/src/core/pull-score.ts',
    find: 'const moved = counter !== this.#counter;',
    replace: 'const moved = counter >= this.#counter;',
  },
  {
    name: 'a pull that came back counts as missed',
    seenBy: ['L4'],
    file: `${PLANES}/background-plane.ts`,
    find: `is not one that was missed.
    this.#drain(nowUs);`,
    replace: 'is not one that was missed.',
  },
];
