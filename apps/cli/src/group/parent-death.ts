import { spawnSync } from 'node:child_process';

let works: boolean | undefined;

/**
 * A command line whose process the kernel sends a signal when its parent dies, even of SIGKILL.
 * Unchanged where util-linux's `setpriv` is missing.
 */
export function onParentDeath(
  signal: 'CONT' | 'KILL',
  command: string,
  args: readonly string[],
): readonly [command: string, args: readonly string[]] {
  works ??= spawnSync('setpriv', ['--pdeathsig', signal, 'true'], { stdio: 'ignore' }).status === 0;
  return works ? ['setpriv', ['--pdeathsig', signal, command, ...args]] : [command, args];
}
