import type { Socket } from 'node:net';
import { writeTogether } from '../backend/backend-connection.js';
import { NO_LEADER } from '../leader/outcome-reply.js';
import { errorReply, OK } from '../resp/reply.js';
import type { Request } from '../resp/request.js';
import { RequestParser, type RequestLimits } from '../resp/request-parser.js';
import type { CommandDispatcher } from './command-dispatcher.js';
import type { Address } from './group-view.js';
import { ReplyQueue } from './reply-queue.js';
import type { Session } from './session.js';
import { FORWARD_COMMAND, spliceToLeader, takeIntroduction } from './splice.js';

export interface ClientConnectionOptions {
  readonly dispatcher: CommandDispatcher;
  readonly limits: RequestLimits;
  readonly databaseCount: number;
  /** Most bytes of replies a client may leave unread before it is cut off. */
  readonly outputBytesMax: number;
  isLeader(): boolean;
  /** Where another replica leads, if one is known to. */
  leaderAddress(): Address | undefined;
}

/** One client: its bytes in, its replies out in order, or its tie to the leader. */
export class ClientConnection {
  readonly session: Session;
  readonly #socket: Socket;
  readonly #options: ClientConnectionOptions;
  readonly #parser: RequestParser;
  readonly #replies: ReplyQueue;
  #outgoing: Buffer[] = [];
  #outgoingBytes = 0;
  #flushScheduled = false;
  #ending = false;
  /** Introduced by another replica: never passed on again. */
  #forwarded = false;
  #cutSplice: (() => void) | undefined;
  #splicedTo: Address | undefined;

  constructor(socket: Socket, session: Session, options: ClientConnectionOptions) {
    this.#socket = socket;
    this.session = session;
    this.#options = options;
    this.#parser = new RequestParser(options.limits);
    this.#replies = new ReplyQueue(
      (bytes) => this.#send(bytes),
      () => this.#end(),
    );
    socket.on('data', this.#onData);
    socket.on('drain', () => this.#regulate());
    // The close that follows every error is all there is to act on.
    socket.on('error', () => undefined);
  }

  /**
   * News of the leader: with another one, replies of the old can no longer be told from none.
   *
   * While nobody is known to lead, the old leader may still be the next: the tie stays.
   */
  leaderChanged(): void {
    const leader = this.#options.leaderAddress();
    if (leader !== undefined ? leader !== this.#splicedTo : this.#options.isLeader())
      this.#cutSplice?.();
  }

  destroy(): void {
    this.#cutSplice?.();
    this.#socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#ending || this.#replies.closing) return;
    this.#parser.push(chunk);
    this.#handleReceived();
  };

  /** Handles the requests that are here, as long as their replies do not pile up. */
  #handleReceived(): void {
    while (!this.#replies.closing && !this.#full) {
      const next = this.#parser.next();
      if (next === undefined) break;
      if (!('kind' in next)) {
        if (this.#passOn(next)) return;
        this.#handle(next);
      } else if (next.kind === 'oversized') this.#refuse(this.#options.dispatcher.tooLarge());
      else {
        this.#replies.answer(errorReply(`ERR ${next.message}`), true);
      }
    }
    this.#regulate();
  }

  // A client of a follower belongs to the leader from the first command on that is not answered here,
  // once it owes the client nothing.
  #passOn(request: Request): boolean {
    if (this.#forwarded || this.#options.isLeader()) return false;
    if (this.#replies.pendingCount > 0 || this.session.transaction !== undefined) return false;
    const leader = this.#options.leaderAddress();
    // A replica that introduces a client must be heard here, whoever leads.
    if (leader === undefined || isIntroduction(request)) return false;
    if (this.#options.dispatcher.answersHere(request, this.session)) return false;
    this.#socket.removeListener('data', this.#onData);
    const received = Buffer.concat([request.raw, this.#parser.takeRest()]);
    this.#splicedTo = leader;
    this.#cutSplice = spliceToLeader(this.#socket, leader, this.session, received);
    return true;
  }

  #handle(request: Request): void {
    if (isIntroduction(request)) return this.#introduced(request);
    this.#options.dispatcher.dispatch(request, this.session, this.#replies);
  }

  #introduced(request: Request): void {
    this.#forwarded = true;
    if (!this.#options.isLeader()) return this.#replies.answer(NO_LEADER, true);
    const welcome = takeIntroduction(request, this.session, this.#options.databaseCount);
    this.#replies.answer(welcome ? OK : errorReply('ERR invalid introduction'), !welcome);
  }

  #refuse(text: string): void {
    if (this.session.transaction !== undefined) this.session.transaction.aborted = true;
    this.#replies.answer(errorReply(text));
  }

  #send(bytes: Buffer): void {
    this.#outgoing.push(bytes);
    this.#outgoingBytes += bytes.length;
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    // After the present callback: all replies one read has brought go out together.
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#flushScheduled = false;
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength + this.#outgoingBytes > this.#options.outputBytesMax) {
      this.#socket.destroy();
      return;
    }
    if (this.#outgoing.length > 0) writeTogether(this.#socket, this.#outgoing, this.#outgoingBytes);
    this.#outgoing = [];
    this.#outgoingBytes = 0;
    if (this.#ending) this.#socket.end();
    this.#regulate();
  }

  #end(): void {
    this.#ending = true;
    this.#flush();
    // A peer that neither reads nor closes must not hold the connection.
    this.#socket.setTimeout(LINGER_MS, () => this.#socket.destroy());
    this.#socket.resume();
  }

  get #full(): boolean {
    return (
      this.#replies.pendingCount > PENDING_COUNT_MAX ||
      this.#socket.writableLength + this.#outgoingBytes > UNREAD_BYTES_MAX
    );
  }

  /** Takes no more requests from a client whose replies pile up, until they have gone. */
  #regulate(): void {
    if (this.#cutSplice !== undefined || this.#ending) return;
    if (this.#full) this.#socket.pause();
    else if (this.#socket.isPaused()) {
      this.#socket.resume();
      // One read may hold thousands of requests: some were left when it was too much.
      this.#handleReceived();
    }
  }
}

function isIntroduction(request: Request): boolean {
  return request.argc === 4 && request.text(0) === FORWARD_COMMAND;
}

const PENDING_COUNT_MAX = 4096;
const UNREAD_BYTES_MAX = 1024 * 1024;
const LINGER_MS = 1000;
