import { connect, type Socket } from 'node:net';
import { ReplyFramer } from '../../src/resp/reply-framer.js';

/** A client of bytes: what it sends is sent as is, what it gets is whole replies as text. */
export class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #replies: string[] = [];
  #wake: () => void = () => undefined;
  #ended = false;

  constructor(target: number | string) {
    this.socket = typeof target === 'number' ? connect(target, '127.0.0.1') : connect(target);
    const framer = new ReplyFramer((reply) => this.#replies.push(reply.toString('latin1')));
    this.socket.on('data', (chunk: Buffer) => {
      framer.push(chunk);
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    // Not `once`: it would reject for an error, and every error is followed by the close.
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#ended = true;
        this.#wake();
        resolve();
      });
    });
  }

  send(bytes: string | Buffer): this {
    this.socket.write(bytes, 'latin1');
    return this;
  }

  /** Sends an inline command and takes its reply. */
  async ask(line: string): Promise<string> {
    return this.send(`${line}\r\n`).next();
  }

  /** The next reply, or `closed`. */
  async next(): Promise<string> {
    while (this.#replies.length === 0) {
      if (this.#ended) return 'closed';
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#replies.shift()!;
  }

  close(): void {
    this.socket.destroy();
  }
}
