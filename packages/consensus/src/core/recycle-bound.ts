import type { LogOffset } from '@mu-smr/log';

/** One replica as the leader's recycling sees it. */
export interface RecyclingMember {
  readonly applied: LogOffset;
  /** Alive, and applying. */
  readonly keepsUp: boolean;
}

/**
 * Everything below this may be released: the lowest applied offset among the members the leader
 * still waits for (I14, I15).
 *
 * So a dead or stuck replica never blocks the ring, and one that only paused finds the log still
 * there.
 */
export function releaseBound(
  members: readonly RecyclingMember[],
  released: LogOffset,
  tail: LogOffset,
  capacityBytes: number,
): LogOffset {
  let lowest = Number.POSITIVE_INFINITY;
  for (const member of members)
    if (waitedFor(member, released, tail, capacityBytes)) lowest = Math.min(lowest, member.applied);
  return (lowest === Number.POSITIVE_INFINITY ? released : Math.max(lowest, released)) as LogOffset;
}

/**
 * Whether recycling waits for a member: while it keeps up, and else until it would take more than
 * half of the ring. A member for whom the ring no longer holds everything comes back by state
 * transfer, so there is nothing to wait for.
 */
export function waitedFor(
  member: RecyclingMember,
  released: LogOffset,
  tail: LogOffset,
  capacityBytes: number,
): boolean {
  if (member.applied < released) return false;
  return member.keepsUp || tail - member.applied <= capacityBytes / 2;
}
