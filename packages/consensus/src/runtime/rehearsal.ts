import type { LogGeometry } from '@mu-smr/log';
import type { Context } from '@mu-smr/verbs';
import type { Tuning } from '../limits.ts';
import { oneThreadGroup, type OneThreadMember } from './one-thread-group.ts';
import { setV8Flags } from './v8-flags.ts';

const ROUNDS_MAX = 3000;
/** Commands before and after the death; in the fail-overs that follow the first. */
const COMMANDS = 400;
const COMMANDS_AGAIN = 20;
const FAIL_OVERS = 24;

/** A small ring, and a tuning in which a command that finds no room is given up at once. */
interface Stage {
  readonly context: Context;
  readonly geometry: LogGeometry;
  readonly tuning: Tuning;
}

/**
 * Plays fail-overs of a small group within the calling thread, on memory of its own, and throws it all
 * away.
 *
 * A replica takes over rarely, and then every microsecond counts; but JavaScript that never ran is
 * parsed and interpreted slowly the first time. Rehearsed in each of a replica's threads at its start,
 * the code of election, permissions, catching up and proposing is compiled when it is needed. One
 * fail-over is enough to have it parsed, some dozens to have it optimised for what happens in one.
 *
 * V8 optimises for the layout of the objects it saw: geometry and tuning are copies of the replica's
 * own, and the clock shows fractions, as the real one does.
 */
export function rehearse(context: Context, geometry: LogGeometry, tuning: Tuning): void {
  setV8Flags();
  const stage: Stage = {
    context,
    geometry: { ...geometry, capacityBytes: 65_536, payloadBytesMax: 1024, windowBytes: 8192 },
    tuning: { ...tuning, proposeDeadlineMs: 1 },
  };
  playFailOver(stage, COMMANDS);
  for (let again = 1; again < FAIL_OVERS; again++) playFailOver(stage, COMMANDS_AGAIN);
}

function playFailOver(stage: Stage, commands: number): void {
  let nowUs = 1e6 + 0.5;
  let applied = 0;
  const members = oneThreadGroup({
    ...stage,
    nowUs: () => nowUs,
    stateMachine: () => ({
      apply: () => ++applied,
      snapshot: () => [],
      restore: () => Promise.resolve(),
    }),
  });
  try {
    const command = new Uint8Array(64);
    let alive = members;
    let decided = 0;
    for (let round = 0; round < ROUNDS_MAX && decided < 2 * commands; round++) {
      nowUs += stage.tuning.tickUs;
      for (const member of alive) {
        member.background.step(nowUs);
        member.replication.step();
        if (member.replication.leading) decided += proposeSome(member, command);
      }
      const leader = alive.find((member) => member.replication.leading);
      if (decided < commands || alive !== members || leader === undefined) continue;
      // Its last command is in the others' logs, and nobody knows it to be decided: it is adopted.
      leader.replication.proposeSync(command);
      leader.close();
      alive = members.filter((member) => member !== leader);
    }
  } finally {
    for (const member of members) member.close();
  }
}

/** A few commands by both ways through; returns how many were posted. */
function proposeSome(
  { replication, direct }: OneThreadMember<number>,
  command: Uint8Array,
): number {
  if (direct.propose(command)?.kind !== 'decided') return 0;
  for (let n = 0; n < 4; n++)
    replication.submit({ command, withdrawn: false, posted: false, settle: () => undefined });
  replication.prove(() => undefined);
  replication.step();
  return 5;
}
