import { createServer, type Server, type Socket } from 'node:net';
import { ConsensusError } from '../errors.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import { shakeHands, type Greeting, type HandshakeOptions } from './handshake.ts';
import { JsonLines } from './json-lines.ts';
import {
  abandon,
  addressOf,
  answers,
  connect,
  describePlace,
  prepare,
  type MeetingPlace,
} from './meeting-place.ts';

export interface RendezvousOptions extends HandshakeOptions {
  /** Where each replica listens, by id. */
  readonly places: readonly MeetingPlace[];
  /** A replica called, and has proven that it belongs to the group. */
  readonly called: (guest: Guest) => void;
  /** One called with which we cannot be of one group. */
  readonly disagreed: (error: ConsensusError) => void;
}

/** A replica at the other end of a connection. */
export interface Guest {
  readonly peer: ReplicaId;
  readonly greeting: Greeting;
  readonly lines: JsonLines;
}

/** How long a stranger may take to prove itself, and a peer to answer. */
const HANDSHAKE_MS = 5000;

/**
 * Where the replicas of a group meet: every one listens at its place for as long as it lives, and
 * calls others at theirs. Control plane only.
 */
export class Rendezvous {
  readonly #o: RendezvousOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: RendezvousOptions) {
    this.#o = options;
    this.#server = createServer((socket) => void this.#answer(socket));
  }

  /** Begins to listen; rejects with `ConsensusError` RENDEZVOUS_FAILED when the place is taken. */
  async listen(): Promise<void> {
    const place = this.#o.places[this.#o.self];
    const where = describePlace(place);
    prepare(place);
    if (await answers(place))
      throw new ConsensusError(
        'RENDEZVOUS_FAILED',
        `replica ${this.#o.self} of this group runs already: ${where} answers`,
      );
    abandon(place);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) =>
        reject(
          new ConsensusError('RENDEZVOUS_FAILED', `cannot listen at ${where}: ${cause.message}`, {
            cause,
          }),
        ),
      );
      this.#server.listen(addressOf(place), resolve);
    });
    this.#server.unref();
  }

  /**
   * Calls a replica; `undefined` when nobody answers there. Rejects with `ConsensusError` when the two
   * cannot be of one group.
   */
  async call(peer: ReplicaId, wants: Greeting['wants']): Promise<Guest | undefined> {
    const socket = await connect(this.#o.places[peer]);
    if (socket === undefined) return undefined;
    const greeting = (): Greeting => ({ ...this.#o.greeting(), wants });
    try {
      return await this.#shake(socket, greeting);
    } catch (error) {
      socket.destroy();
      if (isDisagreement(error)) throw error;
      return undefined;
    }
  }

  /** Stops listening, and removes the socket. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    abandon(this.#o.places[this.#o.self]);
  }

  async #answer(socket: Socket): Promise<void> {
    try {
      this.#o.called(await this.#shake(socket, this.#o.greeting));
    } catch (error) {
      socket.destroy();
      // Whoever says nothing sensible is no replica: it must not keep the others from meeting.
      if (isDisagreement(error)) this.#o.disagreed(error);
    }
  }

  async #shake(socket: Socket, greeting: () => Greeting): Promise<Guest> {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const late = setTimeout(() => socket.destroy(), HANDSHAKE_MS);
    const lines = new JsonLines(socket);
    try {
      return { ...(await shakeHands(lines, { ...this.#o, greeting })), lines };
    } finally {
      clearTimeout(late);
    }
  }
}

/** A replica answered, and the two cannot be of one group. */
function isDisagreement(error: unknown): error is ConsensusError {
  return (
    error instanceof ConsensusError &&
    (error.code === 'CONFIG_MISMATCH' || error.code === 'NOT_AUTHENTICATED')
  );
}
