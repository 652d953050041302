import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';

/** Restricts threads to processors: one of them, or with `all` every thread of its process. */
function pin(pid: number, processors: string, all: boolean): boolean {
  const flags = all ? '-acp' : '-cp';
  return spawnSync('taskset', [flags, processors, String(pid)], { stdio: 'ignore' }).status === 0;
}

/**
 * Gives the leader's main thread a core that no background thread runs on, as one would deploy it
 * (docs/guides/performance.md); followers replay where there is time. False where there is one core
 * only, or no taskset(1).
 */
export function giveOwnCore(leader: number, followers: readonly number[]): boolean {
  const last = cpus().length - 1;
  if (last < 1) return false;
  const rest = `1-${last}`;
  return (
    [leader, ...followers].every((pid) => pin(pid, rest, true)) &&
    followers.every((pid) => pin(pid, `0-${last}`, false)) &&
    pin(leader, '0', false)
  );
}
