import { lstatSync, mkdirSync, rmdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../errors.ts';

/** Where the groups of this user that run on this machine are written down. */
export function groupsDirectory(): string {
  return join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), `mu-smr-${userInfo().uid}`);
}

/**
 * Makes a directory that only this user may enter. What is written in it is believed later, so one
 * that somebody else has put there is refused.
 */
function makeOwnDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  checkOwn(path);
}

/** How often something is made in a directory that others remove at the same moment. */
const ATTEMPTS = 10;

/**
 * Whether a directory went away that others remove when it is empty, and it is worth to make it anew.
 * That is ENOENT, also to a recursive `mkdir`, which finds it and looks again, and EACCES to `listen`.
 */
export function wentAway(error: unknown, attempt: number): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return attempt < ATTEMPTS && (code === 'ENOENT' || code === 'EACCES');
}

/** Makes something in a directory of ours that another process may remove at any time, being empty. */
export function inOwnDirectory<T>(path: string, make: () => T): T {
  for (let attempt = 1; ; attempt++)
    try {
      makeOwnDirectory(path);
      return make();
    } catch (error) {
      if (!wentAway(error, attempt)) throw error;
    }
}

/** Throws when the directory belongs to somebody else or is open to others. */
export function checkOwn(path: string): void {
  const { uid, mode } = lstatSync(path);
  if (uid !== userInfo().uid || (mode & 0o077) !== 0)
    throw new CliError('NOT_OURS', `${path} is open to other users: remove it, or chmod 700 it`);
}

/** Removes a directory that has become empty; one that others use stays. */
export function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Others are in it, or it is gone already.
  }
}
