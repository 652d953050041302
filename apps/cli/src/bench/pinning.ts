import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';

/** Restricts threads to processors: one of them, or with `all` every thread of its process. */
function pin(pid: number, processors: string, all: boolean): boolean {
  const flags = all ? '-acp' : '-cp';
  return spawnSync('taskset', [flags, processors, String(pid)], { stdio: 'ignore' }).status === 0;
}

/** How a leader's core is shared: with the main threads of followers, where there is time, or with nobody. */
export type Followers = 'replay beside it' | 'keep away';

/**
 * Gives the leader's main thread a core that no background thread runs on, as one would deploy it
 * (docs/guides/performance.md). Over shared memory it leaves followers hardly any time there. Over a network
 * it waits for most of its time, and whoever runs meanwhile displaces what it needs next from the processor's
 * caches. False where there is one core only, or no taskset(1).
 */
export function giveOwnCore(
  leader: number,
  others: readonly number[],
  followers: Followers,
): boolean {
  const last = cpus().length - 1;
  if (last < 1) return false;
  const rest = `1-${last}`;
  const ofFollowers = followers === 'keep away' ? rest : `0-${last}`;
  return (
    [leader, ...others].every((pid) => pin(pid, rest, true)) &&
    others.every((pid) => pin(pid, ofFollowers, false)) &&
    pin(leader, '0', false)
  );
}
