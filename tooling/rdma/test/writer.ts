// The writer of writer-program.ts, from the side of whoever tests what it may write.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { QueuePairEndpoint } from '../../../packages/verbs/src/index.ts';

/** How a stream ended. */
export interface Streamed {
  readonly status: string;
  readonly acknowledged: number;
}

/** A process that writes into our memory from a device of its own. */
export class Writer {
  readonly #child: ChildProcess;
  readonly endpoint: QueuePairEndpoint;

  private constructor(child: ChildProcess, endpoint: QueuePairEndpoint) {
    this.#child = child;
    this.endpoint = endpoint;
  }

  static async start(): Promise<Writer> {
    const program = fileURLToPath(new URL('./writer-program.js', import.meta.url));
    const child = fork(program, { execArgv: [] });
    const [{ result }] = (await once(child, 'message')) as [{ result: QueuePairEndpoint }];
    return new Writer(child, result);
  }

  connect(remote: QueuePairEndpoint): Promise<void> {
    return this.#ask({ action: 'connect', remote });
  }

  /** Writes entries of that length into the region until one is refused. */
  stream(remoteKey: number, length: number): Promise<Streamed> {
    return this.#ask({ action: 'stream', remoteKey, length });
  }

  cycle(psn: number): Promise<void> {
    return this.#ask({ action: 'cycle', psn });
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }

  async #ask<Result>(asked: object): Promise<Result> {
    this.#child.send(asked);
    const [{ result }] = (await once(this.#child, 'message')) as [{ result: Result }];
    return result;
  }
}
