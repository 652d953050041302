import type { LogGeometry } from '@mu-smr/log';
import type { Context } from '@mu-smr/verbs';
import type { Tuning } from '../limits.ts';
import type { StateMachine } from '../state-machine.ts';
import { clockAhead } from './clock.ts';
import { copyOf } from './copy-of.ts';
import { oneThreadGroup, type OneThreadMember } from './one-thread-group.ts';
import { setV8Flags } from './v8-flags.ts';

const ROUNDS_MAX = 3000;
/** Commands before and after the death; in the fail-overs that follow the first. */
const COMMANDS = 400;
const COMMANDS_AGAIN = 20;
const FAIL_OVERS = 12;
/** Afterwards, in a group in which nobody dies; and the commands between two of them. */
const HAND_OVERS = 200;
const COMMANDS_BETWEEN = 5;

const SMALL = { capacityBytes: 65_536, payloadBytesMax: 1024, windowBytes: 8192 };

/** A small ring, and a tuning in which a command that finds no room is given up at once. */
interface Stage {
  readonly context: Context;
  readonly geometry: LogGeometry;
  readonly tuning: Tuning;
  readonly raiseReplication: (raised: boolean) => void;
}

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
  setV8Flags();
  const stage: Stage = {
    context,
    geometry: copyOf(geometry, SMALL),
    tuning: copyOf(tuning, { proposeDeadlineMs: 1 }),
    raiseReplication,
  };
  new Play(stage).failOver(COMMANDS);
  for (let again = 1; again < FAIL_OVERS; again++)
    new Play(stage).failOver(COMMANDS_AGAIN, again % 2 === 0 ? 'dies' : 'stops');
  new Play(stage).handOver(HAND_OVERS);
}

/** More than V8 tells apart at one call: the replica's own is then no surprise to compiled code. */
const KINDS_OF_ACTORS = 6;
let actors = 0;

/**
 * A state machine that counts. Those of another kind have other properties, so another hidden class, and
 * half of them another `apply`.
 */
function actor(number: number): StateMachine<number> {
  const kind = number % KINDS_OF_ACTORS;
  let applied = 0;
  return {
    [`kind${kind}`]: kind,
    apply: kind % 2 === 0 ? () => ++applied : () => --applied,
    snapshot: () => [],
    restore: () => Promise.resolve(),
  };
}

/** One group of three, from its founding to its end. */
class Play {
  readonly #tickUs: number;
  readonly #members: OneThreadMember<number>[];
  readonly #command = new Uint8Array(64);
  readonly #ahead = { us: 0 };
  readonly #nowUs = clockAhead(this.#ahead);

  constructor(stage: Stage) {
    this.#tickUs = stage.tuning.tickUs;
    this.#members = oneThreadGroup({
      ...stage,
      nowUs: this.#nowUs,
      stateMachine: () => actor(actors++),
    });
  }

  /** Half of the commands, the leader's end, and the other half. */
  failOver(commands: number, leaderThen: 'dies' | 'stops' = 'dies'): void {
    let alive = this.#members;
    let decided = 0;
    this.#play(
      () => alive,
      (leader) => {
        decided += this.#proposeSome(leader);
        if (decided < commands || alive !== this.#members) return decided < 2 * commands;
        // Its last command is in the others' logs, and nobody knows it to be decided: it is adopted.
        leader.replication.proposeSync(this.#command);
        if (leaderThen === 'dies') leader.close();
        alive = this.#members.filter((member) => member !== leader);
        return true;
      },
    );
  }

  /** Leadership goes round. */
  handOver(times: number): void {
    let led: OneThreadMember<number> | undefined;
    let left = times;
    this.#play(
      () => this.#members,
      (leader) => {
        if (leader === led) return true;
        led = leader;
        for (let n = 0; n < COMMANDS_BETWEEN; n++) leader.direct.propose(this.#command);
        leader.replication.handOver.ask((leader.id + 1) % this.#members.length, () => undefined);
        return --left > 0;
      },
    );
  }

  /** Steps everybody until `lead`, called with whoever leads, says that it is over. */
  #play(
    alive: () => readonly OneThreadMember<number>[],
    lead: (leader: OneThreadMember<number>) => boolean,
  ): void {
    try {
      let goesOn = true;
      for (let round = 0; round < ROUNDS_MAX && goesOn; round++) {
        this.#ahead.us += this.#tickUs;
        for (const member of alive()) {
          member.background.step(this.#nowUs());
          member.direct.waitForLeadership(0, () => false);
          if (member.replication.busy) member.replication.step();
          if (member.replication.leading) goesOn &&= lead(member);
        }
      }
    } finally {
      for (const member of this.#members) member.close();
    }
  }

  /** A few commands by both ways through; returns how many were posted. */
  #proposeSome({ replication, direct }: OneThreadMember<number>): number {
    if (direct.propose(this.#command)?.kind !== 'decided') return 0;
    for (let n = 0; n < 4; n++)
      replication.submit({
        command: this.#command,
        withdrawn: false,
        posted: false,
        settle: () => undefined,
      });
    replication.prove(() => undefined);
    replication.step();
    return 5;
  }
}
