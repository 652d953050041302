import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Histogram } from 'hdr-histogram-js';
import { CliError } from '../../errors.ts';

export interface ClientPlan {
  readonly clients: number;
  readonly pipeline: number;
  readonly payloadBytes: number;
}

const LF = 10;

/** Connections to one server, each with a fixed number of writes in flight, prebuilt as bytes. */
export class PipelinedClient {
  readonly #connections: readonly Connection[];

  private constructor(connections: readonly Connection[]) {
    this.#connections = connections;
  }

  /** With `wait`, each write is followed by WAIT 1 and counts once that has answered. */
  static async connect(port: number, plan: ClientPlan, wait: boolean): Promise<PipelinedClient> {
    const connections = Array.from({ length: plan.clients }, (_, n) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      return new Connection(socket, requestsOf(n, plan, wait), wait);
    });
    await Promise.all(connections.map((connection) => connection.connected));
    return new PipelinedClient(connections);
  }

  /** Writes `count` times, shared between the connections; returns the milliseconds it took. */
  async run(count: number, latencies: Histogram): Promise<number> {
    const share = Math.floor(count / this.#connections.length);
    const more = count % this.#connections.length;
    const begin = performance.now();
    await Promise.all(
      this.#connections.map((one, n) => one.run(share + (n < more ? 1 : 0), latencies)),
    );
    return performance.now() - begin;
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

/** The requests one connection has in flight together. Keys are of one length, and so are requests. */
function requestsOf(connection: number, plan: ClientPlan, wait: boolean): readonly Buffer[] {
  const value = 'x'.repeat(plan.payloadBytes);
  return Array.from({ length: plan.pipeline }, (_, n) => {
    const set = command('SET', `bench:${pad(connection)}:${pad(n)}`, value);
    return Buffer.from(wait ? set + command('WAIT', '1', '0') : set);
  });
}

function pad(number: number): string {
  return String(number).padStart(5, '0');
}

function command(...words: readonly string[]): string {
  const bulks = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${bulks.join('')}`;
}

class Connection {
  readonly connected: Promise<unknown>;
  readonly #socket: Socket;
  readonly #requests: Buffer;
  readonly #requestBytes: number;
  readonly #pipeline: number;
  readonly #wait: boolean;
  #latencies: Histogram | undefined;
  /** Writes not sent yet, and those sent whose replies have not come. */
  #unsent = 0;
  #inFlight = 0;
  #sentAtMs = 0;
  /** Whether the next line answers WAIT, not SET. */
  #waits = false;
  #line = '';
  #done: () => void = () => undefined;
  #fail: (error: Error) => void = () => undefined;

  constructor(socket: Socket, requests: readonly Buffer[], wait: boolean) {
    this.#socket = socket;
    this.#requests = Buffer.concat(requests);
    this.#requestBytes = requests[0].length;
    this.#pipeline = requests.length;
    this.#wait = wait;
    this.connected = once(socket, 'connect');
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () =>
      this.#fail(new CliError('BENCH_FAILED', 'a server closed its connection')),
    );
  }

  run(count: number, latencies: Histogram): Promise<void> {
    if (count === 0) return Promise.resolve();
    this.#latencies = latencies;
    this.#unsent = count;
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#fail = reject;
      this.#send();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(): void {
    const count = Math.min(this.#unsent, this.#pipeline);
    this.#unsent -= count;
    this.#inFlight = count;
    this.#sentAtMs = performance.now();
    this.#socket.write(this.#requests.subarray(0, count * this.#requestBytes));
  }

  #read(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      this.#replied((this.#line + chunk.toString('latin1', start, end)).trimEnd());
      this.#line = '';
      start = end + 1;
    }
    this.#line += chunk.toString('latin1', start);
  }

  #replied(line: string): void {
    const good = this.#waits ? line.startsWith(':') && Number(line.slice(1)) >= 1 : line === '+OK';
    if (!good) {
      this.#fail(new CliError('BENCH_FAILED', `a server answered ${line} to a write`));
      return;
    }
    this.#waits = this.#wait && !this.#waits;
    if (this.#waits) return;
    const ns = (performance.now() - this.#sentAtMs) * 1e6;
    this.#latencies?.recordValue(Math.max(1, Math.round(ns)));
    if (--this.#inFlight > 0) return;
    if (this.#unsent > 0) this.#send();
    else this.#done();
  }
}
