import { CliError } from '../errors.ts';

/** A group as its leader and its replicas' answers show it. */
export interface GroupView {
  /** Ids of those who vote. */
  readonly members: readonly number[];
  /** Those of them that run and hold what the leader's log does, the leader included. */
  readonly live: readonly number[];
}

/** How many further failures a group survives; negative when it stands still already. */
export function failuresBorne({ members, live }: GroupView): number {
  return live.length - (Math.floor(members.length / 2) + 1);
}

/**
 * Refuses the removal of a member that the rest could not bear: NO_MAJORITY, whatever is asked; and
 * LESS_SAFE, unless it is forced, where the group bore a failure and would bear none, or where one
 * replica alone would hold everything.
 */
export function judgeRemoval(
  group: GroupView,
  id: number,
  { force, leads }: { readonly force: boolean; readonly leads: boolean },
): void {
  const without = (ids: readonly number[]): number[] => ids.filter((one) => one !== id);
  const rest = { members: without(group.members), live: without(group.live) };
  const left = `${rest.live.length} of ${rest.members.length} replicas`;
  // The removal is decided by the members before it; a leader has gone by then.
  const decides = failuresBorne(leads ? { ...group, live: rest.live } : group) >= 0;
  if (!decides || failuresBorne(rest) < 0)
    throw new CliError(
      'NO_MAJORITY',
      `without replica ${id}, ${left} would run: no majority; bring the others back first`,
    );
  if (force) return;
  if (rest.live.length === 1 || (failuresBorne(rest) === 0 && failuresBorne(group) > 0))
    throw new CliError(
      'LESS_SAFE',
      `without replica ${id}, ${left} would run, and the group would bear no failure; --force removes it all the same`,
    );
}
