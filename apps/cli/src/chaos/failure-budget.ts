import type { ReplicaStatus } from '@mu-smr/consensus';
import { majorityOf } from '@mu-smr/consensus/planes';

/** What a group is made of while its members may be changing. */
export interface GroupAtWork {
  /** Of those that run and answered. */
  readonly statuses: readonly ReplicaStatus[];
  /** Ids of all that run. */
  readonly running: readonly number[];
  /** Ids that may be members by now or soon: all that have been started, and whoever is being added. */
  readonly possible: readonly number[];
  /** Those whose removal is under way. */
  readonly leaving: ReadonlySet<number>;
}

/**
 * Whether a group can bear that a replica loses its memory, by the word of everybody else: all who vote
 * know the same members, and a majority of them is left.
 *
 * A change that is in a log takes effect whenever somebody decides it, so the majority must be there with
 * it and without: whoever leaves counts for nothing, and one that may join and does not run counts as a
 * member that is dead.
 */
export function canLose(victim: number, group: GroupAtWork): boolean {
  const { statuses, running, possible, leaving } = group;
  const voters = statuses.filter(({ votes }) => votes);
  const [first] = voters;
  if (first === undefined) return false;
  const { members } = first;
  if (voters.some((status) => String(status.members) !== String(members))) return false;
  const rest = voters.filter(({ id }) => id !== victim);
  // Those whose rings have dropped something ask nobody for what is older.
  const kept = Math.max(...rest.map(({ released }) => released));
  const able = rest.filter(
    ({ id, phase, firstUndecided }) =>
      phase === 'running' && firstUndecided >= kept && !leaving.has(id),
  );
  const mayJoin = possible.filter(
    (id) => !members.includes(id) && (id === victim || !running.includes(id)),
  );
  return able.length >= majorityOf(members.length + mayJoin.length);
}
