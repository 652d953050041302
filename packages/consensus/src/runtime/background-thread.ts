import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ContextControl, type Backend } from '@mu-smr/verbs';
import { ConsensusError } from '../errors.ts';
import type { PlaneLink } from '../planes/plane-link.ts';
import type { BackgroundData, FromBackground, ToBackground } from './background-protocol.ts';

/** The background thread as its replica handles it. */
export class BackgroundThread {
  readonly #worker: Worker;
  readonly #link: PlaneLink;
  readonly #doorbell: ContextControl;
  #ended = false;

  constructor(
    backend: Backend,
    data: BackgroundData,
    link: PlaneLink,
    failed: (error: Error) => void,
  ) {
    this.#link = link;
    this.#doorbell = new ContextControl(backend, data.contextHandle);
    this.#worker = new Worker(new URL('./background-worker.js', import.meta.url), {
      workerData: data,
      name: `mu background ${data.self}`,
    });
    this.#worker.once('exit', () => (this.#ended = true));
    this.#worker.on('error', (cause) => {
      this.#ended = true;
      failed(
        new ConsensusError('BACKGROUND_FAILED', `the background thread ended: ${cause.message}`, {
          cause,
        }),
      );
    });
  }

  send(message: ToBackground): void {
    this.#worker.postMessage(message);
  }

  /** The thread's next message, which must be of this kind. */
  async next<K extends FromBackground['kind']>(kind: K): Promise<FromBackground & { kind: K }> {
    const [message] = (await once(this.#worker, 'message')) as [FromBackground];
    if (message.kind !== kind)
      throw new ConsensusError('BACKGROUND_FAILED', `expected ${kind}, got ${message.kind}`);
    return message as FromBackground & { kind: K };
  }

  /** Has the thread look at the link at once. */
  wake(): void {
    this.#doorbell.wake();
  }

  /** Ends the thread and waits for it. */
  async stop(): Promise<void> {
    this.#link.setInt('stop', 1);
    if (this.#ended) return;
    const exited = once(this.#worker, 'exit');
    this.#doorbell.wake();
    // Before `run` it listens for messages; afterwards only the stop word reaches it.
    this.#worker.postMessage({ kind: 'run' } satisfies ToBackground);
    await exited;
  }
}
