import {
  encodeSessionRequest,
  SESSION_HEADER_BYTES,
  type ProposeOutcome,
  type SessionId,
} from '@mu-smr/consensus';
import { Int, SequenceWindow } from '@mu-smr/consensus/planes';
import { COMMAND_BYTES_MIN, makeCommand } from './command.ts';
import { InvariantViolation } from './invariant-violation.ts';
import type { ClientCommand, Observer } from './observer.ts';
import type { Random } from './random.ts';
import type { SimCluster } from './sim-cluster.ts';
import { outcomeOf, type SimResult } from './sim-machine.ts';
import type { SimReplica } from './sim-replica.ts';

/** Longest time until a client without an answer asks again. */
const PATIENCE_NS = 400_000;
/** Chance that an answer gets lost on its way to its client. */
const LOST = 0.2;
/** Chance that a request of long ago arrives once more. */
const BELATED = 0.1;
/** Attempts of one command that are under way at a time. */
const ATTEMPTS_MAX = 2;

/** What session clients share with those that have none. */
export interface SessionClientParts {
  readonly cluster: SimCluster;
  readonly observer: Observer;
  readonly repliesPerSession: number;
  readonly thinkNsMax: () => number;
  readonly nextCommand: () => number;
  /** Counts requests that wait at a replica. */
  readonly waits: (replica: SimReplica, by: number) => void;
  readonly answered: (command: ClientCommand, outcome: ProposeOutcome<number>) => void;
}

/** One command, from its first attempt until its client knows the reply. */
interface Call {
  readonly id: number;
  readonly sequence: number;
  readonly bytes: Uint8Array;
  /** Who was asked and has not answered. */
  readonly asked: SimReplica[];
  done: boolean;
}

/**
 * A client that numbers its commands in a session and asks again, wherever, until it has the reply:
 * also while an earlier attempt is still under way, and when a reply was lost.
 */
export class SessionClient {
  readonly #parts: SessionClientParts;
  readonly #random: Random;
  #running = false;
  #session: SessionId | undefined;
  /** One that was answered, of which the network keeps a copy. */
  #belated: { readonly session: SessionId; readonly call: Call } | undefined;
  /** Who was asked for one and has not answered. */
  readonly #opening: SimReplica[] = [];
  #window: SequenceWindow;

  constructor(parts: SessionClientParts, random: Random) {
    this.#parts = parts;
    this.#random = random;
    this.#window = new SequenceWindow(parts.repliesPerSession);
  }

  start(): void {
    this.#running = true;
    this.#think();
  }

  stop(): void {
    this.#running = false;
  }

  #think(): void {
    this.#later(this.#parts.thinkNsMax(), () => {
      if (!this.#running) return;
      const belated = this.#belated;
      if (belated !== undefined && this.#random.chance(BELATED))
        this.#attempt(belated.session, belated.call);
      else if (this.#session === undefined) this.#open();
      else this.#call(this.#session);
      this.#think();
    });
  }

  #later(nsMax: number, work: () => void): void {
    this.#parts.cluster.fabric.schedule(this.#random.between(0, nsMax), work);
  }

  #open(): void {
    const replica = this.#choose(this.#opening);
    if (replica === undefined) return;
    const nonce = BigInt(this.#random.below(2 ** 32));
    const open = encodeSessionRequest({ kind: 'open', nonce });
    this.#propose(replica, this.#opening, open, (outcome) => {
      // Of several that were opened meanwhile the first is used.
      if (outcome.kind !== 'decided' || this.#session !== undefined) return;
      const { result } = outcome;
      if (typeof result === 'number' || result.kind !== 'opened')
        throw new InvariantViolation('I11', 'who opens a session was answered otherwise');
      this.#session = result.session;
      this.#window = new SequenceWindow(this.#parts.repliesPerSession);
    });
  }

  #call(session: SessionId): void {
    const sequence = this.#window.take();
    if (sequence === undefined) return;
    const id = this.#parts.nextCommand();
    const most = this.#parts.cluster.options.geometry.payloadBytesMax - SESSION_HEADER_BYTES;
    const length = this.#random.between(COMMAND_BYTES_MIN, Math.min(most, 80));
    const command = makeCommand(id, length);
    const bytes = encodeSessionRequest({ kind: 'numbered', session, sequence, command });
    this.#attempt(session, { id, sequence, bytes, asked: [], done: false });
  }

  #attempt(session: SessionId, call: Call): void {
    const replica = this.#choose(call.asked);
    if (replica !== undefined) {
      const command = {
        id: call.id,
        at: replica,
        epoch: replica.link.int(Int.epoch),
        numbered: true,
      };
      this.#parts.observer.proposed(command);
      this.#propose(replica, call.asked, call.bytes, (outcome) => {
        this.#take(session, call, command, outcome);
      });
    }
    // Whatever became of that: a replica that died never says.
    this.#later(PATIENCE_NS, () => {
      if (!call.done && session === this.#session) this.#attempt(session, call);
    });
  }

  #take(
    session: SessionId,
    call: Call,
    command: ClientCommand,
    outcome: ProposeOutcome<SimResult>,
  ): void {
    if (outcome.kind === 'decided' && typeof outcome.result !== 'number') {
      const { result } = outcome;
      if (result.kind === 'refused') {
        const { code } = result;
        if (code === 'SESSION_EXPIRED' && session === this.#session) this.#session = undefined;
        // An attempt that was overtaken by those of later numbers may be refused so, too.
        if (code === 'BAD_REQUEST' || (code === 'REPLY_FORGOTTEN' && !call.done))
          throw new InvariantViolation('I11', `command ${call.id} was refused: ${code}`);
        return;
      }
    }
    this.#parts.answered(command, outcomeOf(outcome));
    if (outcome.kind !== 'decided' || call.done || this.#random.chance(LOST)) return;
    call.done = true;
    if (this.#random.chance(BELATED)) this.#belated = { session, call };
    if (session === this.#session) this.#window.settle(call.sequence);
  }

  /** One that leads by its own word, of which there may be two; nobody while enough were asked. */
  #choose(asked: readonly SimReplica[]): SimReplica | undefined {
    if (asked.filter(({ crashed }) => !crashed).length >= ATTEMPTS_MAX) return undefined;
    // A program that stands still takes in nothing.
    const able = this.#parts.cluster.alive.filter(
      ({ replication, paused, syncPoll }) =>
        replication.leading && !paused && syncPoll === undefined,
    );
    return able.length === 0 ? undefined : this.#random.pick(able);
  }

  #propose(
    replica: SimReplica,
    asked: SimReplica[],
    command: Uint8Array,
    settled: (outcome: ProposeOutcome<SimResult>) => void,
  ): void {
    asked.push(replica);
    this.#parts.waits(replica, 1);
    replica.replication.submit({
      command,
      withdrawn: false,
      posted: false,
      settle: (outcome) => {
        asked.splice(asked.indexOf(replica), 1);
        this.#parts.waits(replica, -1);
        settled(outcome);
      },
    });
    replica.wake('replication');
  }
}
