import type { LogGeometry } from '@mu-smr/log';
import type { Context } from '@mu-smr/verbs';
import type { Tuning } from '../limits.ts';
import { copyOf } from './copy-of.ts';
import { Play, type Stage } from './play.ts';
import { setV8Flags } from './v8-flags.ts';

/** Commands before and after the death; in the fail-overs that follow the first. */
const COMMANDS = 400;
const COMMANDS_AGAIN = 20;
const FAIL_OVERS = 12;
/** Afterwards, in a group in which nobody dies. */
const HAND_OVERS = 200;

const SMALL = { capacityBytes: 65_536, payloadBytesMax: 1024, windowBytes: 8192 };

/**
 * Plays fail-overs of a small group within the calling thread, on memory of its own, and throws all of it
 * away but the last play: whoever has nothing else to do may go on with that, step by step, and closes it.
 *
 * A replica takes over rarely, and then every microsecond counts; but JavaScript that never ran is
 * parsed and interpreted slowly the first time. Rehearsed in each of a replica's threads at its start,
 * the code of election, permissions, catching up and proposing is compiled when it is needed. One
 * fail-over is enough to have it parsed; two hundred have it compiled for good, for else V8 does so in
 * the middle of the first that counts. Most of them are hand-overs, because a death is dear to play.
 *
 * V8 optimises for the layout of the objects it saw: geometry and tuning are copies of the replica's
 * own. Functions that a take-over calls are to be the same here and there, or V8 throws the code away
 * that calls them: `raiseReplication`, the clock. A small ring, and a tuning in which a command that finds
 * no room is given up at once.
 */
export function rehearse(
  context: Context,
  geometry: LogGeometry,
  tuning: Tuning,
  raiseReplication: (raised: boolean) => void,
): Play {
  setV8Flags();
  const stage: Stage = {
    context,
    geometry: copyOf(geometry, SMALL),
    tuning: copyOf(tuning, { proposeDeadlineMs: 1 }),
    raiseReplication,
  };
  for (let time = 0; time < FAIL_OVERS; time++) {
    const play = new Play(stage);
    try {
      play.failOver(time === 0 ? COMMANDS : COMMANDS_AGAIN, time % 2 === 0 ? 'dies' : 'stops');
    } finally {
      play.close();
    }
  }
  const last = new Play(stage);
  last.handOver(HAND_OVERS);
  return last;
}
