import { fork, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { QueuePairEndpoint } from '../../src/index.ts';
import { EVERYTHING, type Side } from './harness.ts';

const dist = new URL('../../dist/index.js', import.meta.url);

/** Peers run the built package: why that is not possible, or undefined. */
export const distProblem =
  existsSync(dist) && readFileSync(dist, 'utf8').includes('shmBackend')
    ? undefined
    : 'dist/ is not built: run "npx tsup" in packages/verbs';

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** What a peer stands on: a fabric of shared memory, or an RDMA device. */
export type PeerPlace = { readonly fabric: string } | { readonly device: string };

/** A peer in another process: `ask` has it do one of the actions of peer-process.mjs. */
export class PeerProcess {
  readonly child: ChildProcess;
  endpoint!: QueuePairEndpoint;
  remoteKey = 0;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;

  private constructor(child: ChildProcess) {
    this.child = child;
    child.on('message', (answer: Answer) => this.#waiting.get(answer.id)?.(answer));
    child.on('exit', (code, signal) => {
      for (const answer of this.#waiting.values())
        answer({ id: 0, error: `ended: ${code} ${signal}` });
    });
  }

  static async start(
    where: PeerPlace,
    regionBytes: number,
    script = fileURLToPath(new URL('./peer-process.mjs', import.meta.url)),
  ): Promise<PeerProcess> {
    const peer = new PeerProcess(fork(script, { execArgv: [] }));
    await peer.#answer(0);
    const opened = await peer.ask<{ endpoint: QueuePairEndpoint; remoteKey: number }>('open', {
      ...where,
      regionBytes,
    });
    peer.endpoint = opened.endpoint;
    peer.remoteKey = opened.remoteKey;
    return peer;
  }

  async ask<Result>(action: string, input: object = {}): Promise<Result> {
    const id = ++this.#asked;
    const answer = this.#answer(id);
    this.child.send({ id, action, input });
    return (await answer) as Result;
  }

  /** Connects the peer's queue pair and a new one of ours. */
  async join(side: Side, admits = EVERYTHING): Promise<void> {
    const prepared = side.prepare();
    const { endpoint } = prepared;
    side.queuePair = prepared.connect(this.endpoint, { accessFlags: admits });
    await this.ask('connect', { remote: endpoint });
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.child.pid as number, signal);
  }

  /** What the kernel says: R, S, T (stopped), Z … */
  state(): string {
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0];
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    // SIGKILL also ends a process that is stopped.
    this.child.kill('SIGKILL');
    await ended;
  }

  #answer(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ error, result }) => {
        this.#waiting.delete(id);
        if (error === undefined) resolve(result);
        else reject(new Error(error));
      });
    });
  }
}
