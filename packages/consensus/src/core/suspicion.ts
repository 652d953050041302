import type { PeerThreadState } from '@mu-smr/verbs';
import type { PullScore } from './pull-score.ts';

/** How a guess of the score becomes a suspicion. */
export interface SuspicionOptions {
  /** Ask the kernel for the state of the peer's thread before acting, where one kernel runs both. */
  readonly verify: boolean;
  /** A thread that should be running and has not moved for this long is suspected all the same. */
  readonly hardLimitUs: number;
}

/**
 * Whether a peer whose score fell is to be suspected.
 *
 * A pull score on a loaded machine mistakes a thread that waits for a core for one that is gone.
 * Where the kernel can be asked, a stopped or dead thread is suspected at once and a runnable one
 * only after the hard limit (docs/decisions/0004-verified-suspicion.md).
 */
export function suspects(
  score: PullScore,
  threadState: () => PeerThreadState,
  nowUs: number,
  options: SuspicionOptions,
): boolean {
  if (score.alive) return false;
  if (!options.verify) return true;
  if (threadState() !== 'running') return true;
  return nowUs - score.lastMovedUs > options.hardLimitUs;
}

/**
 * Whether the leader is known to stand still although its score is good: that its thread is stopped
 * is no guess, and needs no counting. Nothing else is that certain: the death of a process is told by
 * other means, and a thread in another PID namespace looks dead from here.
 */
export function standsStill(
  leader: PullScore,
  threadState: () => PeerThreadState,
  { verify }: SuspicionOptions,
): boolean {
  return verify && leader.alive && threadState() === 'stopped';
}
