import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ConsensusError } from '../errors.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import { shakeHands, type HandshakeOptions, type PeerOffer } from './handshake.ts';
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
  readonly replicas: number;
  /** Where each replica listens, by id. */
  readonly places: readonly MeetingPlace[];
}

/** How often a replica that is not there yet is tried again. */
const RETRY_MS = 20;

/**
 * Exchanges endpoints between the replicas of a group over sockets: every replica listens, and connects
 * to those with higher ids. Control plane only.
 */
export class Rendezvous {
  readonly #o: RendezvousOptions;
  readonly #server: Server;
  readonly #lines = new Map<ReplicaId, JsonLines>();
  readonly #sockets = new Set<Socket>();
  #accept: (socket: Socket) => void = (socket) => socket.destroy();

  constructor(options: RendezvousOptions) {
    this.#o = options;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Resolves with every peer's offer, or rejects with a `ConsensusError` that names who is missing. */
  async meet(signal: AbortSignal): Promise<Map<ReplicaId, PeerOffer>> {
    const offers = new Map<ReplicaId, PeerOffer>();
    const { self, replicas } = this.#o;
    const higher = Array.from({ length: replicas - self - 1 }, (_, n) => self + 1 + n);
    const lowerArrived = this.#awaitLower(offers);
    lowerArrived.catch(() => undefined);
    await this.#listen();
    try {
      await race(
        Promise.all([lowerArrived, ...higher.map((peer) => this.#call(peer, offers, signal))]),
        signal,
      );
    } catch (error) {
      if (!signal.aborted) throw error;
      const missing = Array.from({ length: replicas }, (_, id) => id).filter(
        (id) => id !== self && !offers.has(id),
      );
      throw new ConsensusError(
        'PEER_MISSING',
        `replica ${self} waited in vain for ${missing.join(', ')}`,
      );
    }
    return offers;
  }

  /** Resolves when every peer has said the same: nobody runs before all are connected. */
  async barrier(name: string, signal: AbortSignal): Promise<void> {
    for (const lines of this.#lines.values()) lines.send({ reached: name });
    await race(Promise.all([...this.#lines.values()].map((lines) => lines.receive())), signal);
  }

  /** Stops listening and removes the socket. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    abandon(this.#o.places[this.#o.self]);
  }

  async #listen(): Promise<void> {
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

  /** Shakes hands with every lower id that calls. */
  #awaitLower(offers: Map<ReplicaId, PeerOffer>): Promise<void> {
    const { self } = this.#o;
    return new Promise((resolve, reject) => {
      let missing = self;
      if (missing === 0) resolve();
      this.#accept = (socket) => {
        this.#shake(socket, offers).then(
          (peer) => {
            if (peer < self && --missing === 0) resolve();
          },
          (error: unknown) => {
            socket.destroy();
            // Whoever says nothing sensible is no replica: it must not keep the others from meeting.
            if (isDisagreement(error)) reject(error);
          },
        );
      };
    });
  }

  /** Calls a higher id until it answers. */
  async #call(
    peer: ReplicaId,
    offers: Map<ReplicaId, PeerOffer>,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      const socket = await connect(this.#o.places[peer]);
      if (socket !== undefined) {
        await this.#shake(socket, offers);
        return;
      }
      await delay(RETRY_MS, undefined, { signal });
    }
  }

  async #shake(socket: Socket, offers: Map<ReplicaId, PeerOffer>): Promise<ReplicaId> {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const lines = new JsonLines(socket);
    const { peer, offer } = await shakeHands(lines, this.#o);
    if (offers.has(peer) || peer === this.#o.self || peer >= this.#o.replicas) {
      lines.destroy();
      throw new ConsensusError('RENDEZVOUS_FAILED', `two replicas say that they are ${peer}`);
    }
    offers.set(peer, offer);
    this.#lines.set(peer, lines);
    return peer;
  }
}

/** A replica answered, and the two cannot be of one group. */
function isDisagreement(error: unknown): error is ConsensusError {
  return (
    error instanceof ConsensusError &&
    (error.code === 'CONFIG_MISMATCH' ||
      error.code === 'NOT_AUTHENTICATED' ||
      error.code === 'RENDEZVOUS_FAILED')
  );
}

function race<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
