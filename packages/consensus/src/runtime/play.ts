import type { LogGeometry } from '@mu-smr/log';
import type { Context } from '@mu-smr/verbs';
import type { Tuning } from '../limits.ts';
import type { StateMachine } from '../state-machine.ts';
import { clockAhead } from './clock.ts';
import { copyOf } from './copy-of.ts';
import { oneThreadGroup, type OneThreadMember } from './one-thread-group.ts';

const ROUNDS_MAX = 3000;
/** Commands between two hand-overs. */
const COMMANDS_BETWEEN = 5;

/** What a play takes place on. */
export interface Stage {
  readonly contexts: readonly Context[];
  readonly geometry: LogGeometry;
  readonly tuning: Tuning;
  readonly raiseReplication: (raised: boolean) => void;
}

const SMALL = { capacityBytes: 65_536, payloadBytesMax: 1024, windowBytes: 8192 };

/** A replica's own, but for a small ring, and a tuning in which a command that finds no room is given up at once. */
export function stageLike(
  context: Context,
  geometry: LogGeometry,
  tuning: Tuning,
  raiseReplication: (raised: boolean) => void,
): Stage {
  return {
    contexts: [context, context, context],
    geometry: copyOf(geometry, SMALL),
    tuning: copyOf(tuning, { proposeDeadlineMs: 1 }),
    raiseReplication,
  };
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

/** One group of three within the calling thread, in which leadership changes and nothing else matters. */
export class Play {
  readonly #tickUs: number;
  readonly #members: OneThreadMember<number>[];
  readonly #command = new Uint8Array(64);
  readonly #ahead = { us: 0 };
  readonly #nowUs = clockAhead(this.#ahead);
  #handOvers = 0;
  #turn = 0;
  #led: OneThreadMember<number> | undefined;

  constructor(stage: Stage) {
    this.#tickUs = stage.tuning.tickUs;
    this.#members = oneThreadGroup({
      ...stage,
      nowUs: this.#nowUs,
      stateMachine: () => actor(actors++),
    });
  }

  /** Half of the commands, the leader's end, and the other half. */
  failOver(commands: number, leaderThen: 'dies' | 'stops'): void {
    let alive = this.#members;
    let decided = 0;
    const lead = (leader: OneThreadMember<number>): boolean => {
      decided += this.#proposeSome(leader);
      if (decided < commands || alive !== this.#members) return decided < 2 * commands;
      // Its last command is in the others' logs, and nobody knows it to be decided: it is adopted.
      leader.replication.proposeSync(this.#command);
      if (leaderThen === 'dies') leader.close();
      alive = this.#members.filter((member) => member !== leader);
      return true;
    };
    for (let round = 0; round < ROUNDS_MAX; round++) if (!this.#round(alive, lead)) return;
  }

  /**
   * As many commands as there is room for, and one more. Did compiled code not know that, V8 would throw away the
   * whole path of a proposal when followers fall a ring behind for the first time, and run it slowly for half a
   * second.
   */
  fillRing(): void {
    const lead = ({ direct }: OneThreadMember<number>): boolean => {
      while (direct.propose(this.#command)?.kind === 'decided');
      return false;
    };
    for (let round = 0; round < ROUNDS_MAX; round++) if (!this.#round(this.#members, lead)) return;
  }

  /** Leadership goes round. */
  handOver(times: number): void {
    const last = this.#handOvers + times;
    for (let round = 0; round < ROUNDS_MAX && this.#handOvers < last; round++)
      this.#round(this.#members, this.#passOn);
  }

  /** A tenth of a hand-over or so: whose turn it is does one step. */
  step(): void {
    if (this.#turn === 0) this.#ahead.us += this.#tickUs;
    this.#step(this.#members[this.#turn], this.#passOn);
    this.#turn = (this.#turn + 1) % this.#members.length;
  }

  /** How often leadership was passed on. */
  get handOvers(): number {
    return this.#handOvers;
  }

  close(): void {
    for (const member of this.#members) member.close();
  }

  /** Steps everybody; false when `lead`, called with whoever leads, says that it is over. */
  #round(
    alive: readonly OneThreadMember<number>[],
    lead: (leader: OneThreadMember<number>) => boolean,
  ): boolean {
    let goesOn = true;
    this.#ahead.us += this.#tickUs;
    for (const member of alive) goesOn = this.#step(member, lead) && goesOn;
    return goesOn;
  }

  #step(
    member: OneThreadMember<number>,
    lead: (leader: OneThreadMember<number>) => boolean,
  ): boolean {
    member.background.step(this.#nowUs());
    member.direct.waitForLeadership(0, () => false);
    if (member.replication.busy) member.replication.step();
    return !member.replication.leading || lead(member);
  }

  readonly #passOn = (leader: OneThreadMember<number>): boolean => {
    if (leader === this.#led) return true;
    this.#led = leader;
    this.#handOvers++;
    for (let n = 0; n < COMMANDS_BETWEEN; n++) leader.direct.propose(this.#command);
    leader.replication.handOver.ask((leader.id + 1) % this.#members.length, () => undefined);
    return true;
  };

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
