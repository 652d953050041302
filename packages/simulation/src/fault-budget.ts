import { Double, majorityOf } from '@mu-smr/consensus/planes';
import type { SimReplica } from './sim-replica.ts';

/**
 * Whether the group can bear the loss of a replica: a majority of the members remains, as those that
 * remain know them, which hold all that a ring no longer does.
 *
 * A change of the membership that is in the logs takes effect whenever somebody decides it, so the
 * majority must be there with it and without. Whoever is `leaving` (its removal was asked for) counts
 * for nothing, and a dead learner counts as a member that is dead.
 */
export function canLose(
  victim: SimReplica,
  replicas: readonly SimReplica[],
  leaving: ReadonlySet<SimReplica>,
): boolean {
  const rest = replicas.filter((replica) => !replica.crashed && replica !== victim);
  const [newest] = rest
    .filter(({ replication }) => replication.membership.size > 0)
    .sort((a, b) => b.link.offset(Double.configured) - a.link.offset(Double.configured));
  if (newest === undefined) return false;
  const { membership } = newest.replication;
  const kept = Math.max(...rest.map((replica) => replica.link.offset(Double.head)));
  const able = rest.filter(
    (replica) =>
      membership.member(replica.id) === replica.incarnation &&
      !leaving.has(replica) &&
      !replica.link.isBehind &&
      replica.replication.replayer.known >= kept,
  );
  const mayBecomeMembers = replicas.filter(
    (replica) =>
      !rest.includes(replica) &&
      membership.member(replica.id) === 0 &&
      membership.record?.removed[replica.id] !== replica.incarnation,
  );
  return able.length >= majorityOf(membership.size + mayBecomeMembers.length);
}
