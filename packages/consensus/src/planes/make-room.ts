import type { LogOffset } from '@mu-smr/log';
import type { Lane } from './lane.ts';
import { EpochEnded, type Waiting } from './round.ts';
import type { TakeOverContext } from './take-over-context.ts';

/**
 * Waits until no confirmed log would be lapped by bytes below `upTo`. A follower may not have heard
 * of the last releases, so it is told; one that still makes no room is left out.
 */
export function* makeRoom(context: TakeOverContext, upTo: LogOffset): Waiting<void> {
  const { access, fastPath, rounds, self } = context;
  const head = (lane: Lane): LogOffset =>
    lane.to === self ? context.ownHead() : context.granted(lane.to).head;
  const tooFull = (): Lane[] =>
    fastPath.active.filter((lane) => upTo - head(lane) > access.area.capacityBytes);
  if (tooFull().length === 0) return;

  for (const lane of tooFull()) {
    // Only what stands in its own log is told to be decided there.
    const firstUndecided = lane.to === self ? context.known() : context.granted(lane.to).known;
    access.announce(lane, { firstUndecided, release: context.release() });
  }
  yield* rounds.settle();
  const giveUpAtUs = context.nowUs() + context.patienceUs;
  while (tooFull().length > 0) {
    yield;
    if (!fastPath.hasMajority) throw new EpochEnded('below a majority');
    if (context.nowUs() < giveUpAtUs) continue;
    for (const lane of tooFull()) if (lane.to !== self) leaveOut(context, lane);
  }
}

/**
 * What the ring of a confirmed follower has passed was released, whether or not we heard so: our own
 * ring may be full up to what we know, and nobody tells us any more. What one of them misses stays.
 */
export function learnReleased(context: TakeOverContext): void {
  const { fastPath, granted, known, learnt, self } = context;
  const followers = fastPath.active.filter((lane) => lane.to !== self).map(({ to }) => granted(to));
  if (followers.length === 0) return;
  const passed = Math.max(...followers.map((follower) => follower.head));
  const missing = Math.min(...followers.map((follower) => follower.known));
  learnt(known(), Math.min(passed, missing) as LogOffset);
}

/** Goes on without a follower, or ends when too few remain. */
export function leaveOut(context: TakeOverContext, lane: Lane): void {
  context.leaveOut(lane.to);
  // The epoch is over then, and the lanes are no longer ours to post on.
  if (!context.fastPath.hasMajority) throw new EpochEnded('below a majority');
}
