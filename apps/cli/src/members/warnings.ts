import type { MemberStatus } from '../group/group-status.ts';
import { failuresBorne } from './judge-removal.ts';

/**
 * What whoever runs the group should know, in sentences: that nothing can be decided, that the next
 * failure stops it, or that a member is there in vain.
 */
export function warningsOf(replicas: readonly MemberStatus[]): string[] {
  const votes = replicas.flatMap(({ answer }) => (answer?.status.votes === true ? [answer] : []));
  const leader = votes.find(({ status }) => status.role === 'leader') ?? votes.at(0);
  if (leader === undefined) return [];
  const { members } = leader.status;
  const live = votes.map(({ status }) => status.id).filter((id) => members.includes(id));
  return [...aboutFailures(members, live), ...aboutSize(members.length)];
}

function aboutFailures(members: readonly number[], live: readonly number[]): string[] {
  const running = `${live.length} of ${members.length} members run and vote`;
  const borne = failuresBorne({ members, live });
  if (borne < 0) return [`${running}: no majority, so nothing is decided; bring the others back`];
  return borne === 0 && members.length > 2 ? [`${running}: the next failure stops the group`] : [];
}

/** What to know of a group of that size, however many run. */
export function aboutSize(size: number): string[] {
  if (size % 2 === 1) return [];
  return [
    `an even number of members, ${size}, bears no more failures than ${size - 1}: add or remove one`,
  ];
}
