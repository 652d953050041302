import type { Socket } from 'node:net';

/** Longest message of the rendezvous. */
const LINE_BYTES_MAX = 256 * 1024;
const NEWLINE = 0x0a;

/** One JSON value per line over a socket, read one at a time. */
export class JsonLines {
  readonly #socket: Socket;
  readonly #waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
  readonly #ready: unknown[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #failure: Error | undefined;
  readonly #onData = (chunk: Buffer): void => this.#take(chunk);
  readonly #onClose = (): void => this.#fail(new Error('the peer closed the connection'));

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', this.#onClose);
  }

  send(value: unknown): void {
    this.#socket.write(`${JSON.stringify(value)}\n`);
  }

  /** The next message; rejects when the connection ends first. */
  receive(): Promise<unknown> {
    if (this.#ready.length > 0) return Promise.resolve(this.#ready.shift());
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Reads no further: whoever takes the socket over must have it before the peer sends more. */
  release(): Socket {
    this.#socket.off('data', this.#onData).off('close', this.#onClose).pause();
    return this.#socket;
  }

  /** Sends what is pending and closes. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    for (let end = this.#bytes.indexOf(NEWLINE); end >= 0; end = this.#bytes.indexOf(NEWLINE)) {
      const line = this.#bytes.toString('utf8', 0, end);
      this.#bytes = this.#bytes.subarray(end + 1);
      this.#deliver(line);
    }
    if (this.#bytes.length > LINE_BYTES_MAX) this.#refuse('a rendezvous message is too long');
  }

  #deliver(line: string): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      this.#refuse('a rendezvous message is not JSON');
      return;
    }
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#ready.push(value);
    else waiting.resolve(value);
  }

  #refuse(reason: string): void {
    this.#fail(new Error(reason));
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
