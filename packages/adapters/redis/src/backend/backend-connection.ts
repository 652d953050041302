import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { RedisAdapterError } from '../errors.js';
import { ReplyFramer } from '../resp/reply-framer.js';
import { Request } from '../resp/request.js';
import type { Protocol, ReplySink } from '../resp/reply.js';

/**
 * The one connection over which a replica's redis-server gets its commands.
 *
 * Replies come in the order of requests, so each is matched to its sink first in, first out. What is
 * sent within one turn goes out in one write. Where nobody waits for replies, as for all that a follower
 * applies, redis-server is told to send none: each would wake us for nothing.
 */
export class BackendConnection {
  readonly #socket: Socket;
  readonly #onLost: (error: RedisAdapterError) => void;
  readonly #framer = new ReplyFramer((reply) => this.#replied(reply));
  #outgoing: Buffer[] = [];
  #outgoingBytes = 0;
  #flushScheduled = false;
  #held = false;
  /** redis-server answers nothing that is sent now. */
  #muted = false;
  /** Sinks of requests without a reply yet; `undefined` drops the reply. */
  #sinks: (ReplySink | undefined)[] = [];
  #sinksHead = 0;
  #db = 0;
  #protocol: Protocol = 2;
  #closed = false;

  private constructor(socket: Socket, onLost: (error: RedisAdapterError) => void) {
    this.#socket = socket;
    this.#onLost = onLost;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#lost(error));
    socket.on('close', () => this.#lost());
  }

  static async open(
    path: string,
    password: string,
    onLost: (error: RedisAdapterError) => void,
  ): Promise<BackendConnection> {
    const socket = connect(path);
    await once(socket, 'connect');
    const connection = new BackendConnection(socket, onLost);
    await connection.ask('AUTH', password);
    return connection;
  }

  /** Sends one request in a database; without a sink there is no reply. */
  send(db: number, raw: Buffer, sink?: ReplySink): void {
    if (sink === undefined) this.#mute();
    else this.#unmute();
    if (db !== this.#db) this.#select(db);
    this.#push(raw, sink);
  }

  /** The protocol of the replies to come. Followers never switch: they drop all replies. */
  speak(protocol: Protocol): void {
    if (protocol === this.#protocol) return;
    this.#protocol = protocol;
    this.#push(protocol === 3 ? HELLO_3 : HELLO_2, undefined);
  }

  /** Sends a request of our own, in RESP2, and resolves with its reply; an error reply rejects. */
  ask(...args: readonly (string | number | Buffer)[]): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#closed)
        return reject(new RedisAdapterError('BACKEND_LOST', 'redis-server is gone'));
      this.#unmute();
      this.speak(2);
      this.#push(Request.of(...args).raw, {
        reply(bytes) {
          if (bytes[0] !== MINUS) return resolve(bytes);
          const text = bytes.toString('latin1').trim();
          reject(new RedisAdapterError('BACKEND_PROTOCOL', `redis-server: ${text}`));
        },
      });
    });
  }

  /** Keeps what is sent from now on back until `release`; what was sent before goes out. */
  hold(): void {
    this.#write();
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#write();
  }

  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  #select(db: number): void {
    this.#db = db;
    this.#push(Request.of('SELECT', db).raw, undefined);
  }

  #mute(): void {
    if (this.#muted) return;
    this.#muted = true;
    this.#push(REPLY_OFF, undefined);
  }

  #unmute(): void {
    if (!this.#muted) return;
    this.#muted = false;
    this.#push(REPLY_ON, undefined);
  }

  #push(raw: Buffer, sink: ReplySink | undefined): void {
    if (!this.#muted) this.#sinks.push(sink);
    this.#outgoing.push(raw);
    this.#outgoingBytes += raw.length;
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      this.#write();
    });
  }

  #write(): void {
    if (this.#held || this.#closed || this.#outgoing.length === 0) return;
    const outgoing = this.#outgoing;
    const bytes = this.#outgoingBytes;
    this.#outgoing = [];
    this.#outgoingBytes = 0;
    writeTogether(this.#socket, outgoing, bytes);
  }

  #read(chunk: Buffer): void {
    try {
      this.#framer.push(chunk);
    } catch (error) {
      this.#socket.destroy();
      this.#lost(error as Error);
    }
  }

  #replied(reply: Buffer): void {
    const sink = this.#sinks[this.#sinksHead];
    this.#sinks[this.#sinksHead++] = undefined;
    // Cut off the spent front now and then, not each time: that would be quadratic.
    if (this.#sinksHead > 1024 && this.#sinksHead * 2 > this.#sinks.length) {
      this.#sinks = this.#sinks.slice(this.#sinksHead);
      this.#sinksHead = 0;
    }
    sink?.reply(reply);
  }

  #lost(cause?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onLost(new RedisAdapterError('BACKEND_LOST', 'lost the local redis-server', { cause }));
  }
}

/** One system call for many parts: joined while small, gathered by the kernel when large. */
export function writeTogether(socket: Socket, parts: readonly Buffer[], bytes: number): void {
  if (parts.length === 1) socket.write(parts[0]);
  else if (bytes <= JOIN_BYTES_MAX) socket.write(Buffer.concat(parts, bytes));
  else {
    socket.cork();
    for (const part of parts) socket.write(part);
    socket.uncork();
  }
}

const JOIN_BYTES_MAX = 64 * 1024;
const MINUS = 45;
const HELLO_2 = Request.of('HELLO', 2).raw;
const HELLO_3 = Request.of('HELLO', 3).raw;
/** The only one of the two that is answered is the second. */
const REPLY_OFF = Request.of('CLIENT', 'REPLY', 'OFF').raw;
const REPLY_ON = Request.of('CLIENT', 'REPLY', 'ON').raw;
