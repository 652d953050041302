import type { LogGeometry } from '@mu-smr/log';
import type { Context } from '@mu-smr/verbs';
import type { Tuning } from '../limits.ts';
import { Play, stageLike, type Stage } from './play.ts';

/** Commands before and after the death; in the fail-overs that follow the first. */
const COMMANDS = 400;
const COMMANDS_AGAIN = 20;
const FAIL_OVERS = 12;
/** Afterwards, in a group in which nobody dies. */
const HAND_OVERS = 200;

/**
 * Plays fail-overs of a small group within the calling thread, on memory of its own, and throws it all
 * away.
 *
 * A replica takes over rarely, and then every microsecond counts; but JavaScript that never ran is
 * parsed and interpreted slowly the first time. Rehearsed in each of a replica's threads at its start,
 * the code of election, permissions, catching up and proposing is compiled when it is needed. One
 * fail-over is enough to have it parsed; two hundred have it compiled for good, for else V8 does so in
 * the middle of the first that counts. Most of them are hand-overs, because a death is dear to play.
 *
 * V8 optimises for the layout of the objects it saw: geometry and tuning are copies of the replica's
 * own. Functions that a take-over calls are to be the same here and there, or V8 throws the code away
 * that calls them: `raiseReplication`, the clock.
 */
export function rehearse(
  context: Context,
  geometry: LogGeometry,
  tuning: Tuning,
  raiseReplication: (raised: boolean) => void,
): void {
  const stage = stageLike(context, geometry, tuning, raiseReplication);
  for (let time = 0; time < FAIL_OVERS; time++)
    give(stage, (play) => {
      play.failOver(time === 0 ? COMMANDS : COMMANDS_AGAIN, time % 2 === 0 ? 'dies' : 'stops');
    });
  give(stage, (play) => {
    play.fillRing();
  });
  give(stage, (play) => {
    play.handOver(HAND_OVERS);
  });
}

function give(stage: Stage, course: (play: Play) => void): void {
  const play = new Play(stage);
  try {
    course(play);
  } finally {
    play.close();
  }
}
