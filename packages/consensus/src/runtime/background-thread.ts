import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ContextControl, type Backend } from '@mu-smr/verbs';
import { ConsensusError } from '../errors.ts';
import type { BackgroundOffer } from '../planes/assembly.ts';
import { Int, type PlaneLink } from '../planes/plane-link.ts';
import type {
  BackgroundData,
  BackgroundTask,
  FromBackground,
  TaskAnswer,
  TaskMessage,
} from './background-protocol.ts';

interface Waiting {
  readonly resolve: (offer: BackgroundOffer | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** The background thread as its replica handles it. */
export class BackgroundThread {
  /** How it is scheduled; rejects when it ends before it is ready. */
  readonly ready: Promise<string>;
  readonly #worker: Worker;
  readonly #link: PlaneLink;
  readonly #doorbell: ContextControl;
  readonly #waiting = new Map<number, Waiting>();
  #tasks = 0;
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
    this.ready = new Promise((resolve, reject) => {
      this.#waiting.set(0, { resolve: () => undefined, reject });
      this.#worker.on('message', (message: FromBackground) => {
        if (message.kind === 'ready') resolve(message.scheduling);
        else this.#answer(message);
      });
    });
    this.ready.catch(() => undefined);
    this.#worker.once('exit', () => this.#over('it ended'));
    this.#worker.on('error', (cause) => {
      this.#over(cause.message);
      failed(
        new ConsensusError('BACKGROUND_FAILED', `the background thread ended: ${cause.message}`, {
          cause,
        }),
      );
    });
  }

  /** Has the thread do something between two steps; rejects when that fails. */
  ask(task: BackgroundTask): Promise<BackgroundOffer | undefined> {
    if (this.#ended) return Promise.reject(over('it has ended'));
    const number = ++this.#tasks;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#worker.postMessage({ number, task } satisfies TaskMessage);
      this.#link.count(Int.mail);
      this.wake();
    });
  }

  /** Has the thread look at the link at once. */
  wake(): void {
    this.#doorbell.wake();
  }

  /** Ends the thread and waits for it. */
  async stop(): Promise<void> {
    this.#link.setInt(Int.stop, 1);
    if (this.#ended) return;
    const exited = once(this.#worker, 'exit');
    this.#doorbell.wake();
    await exited;
  }

  #answer(message: TaskAnswer): void {
    const waiting = this.#waiting.get(message.number);
    this.#waiting.delete(message.number);
    if (message.kind === 'failed') waiting?.reject(message.error);
    else waiting?.resolve(message.offer);
  }

  #over(reason: string): void {
    this.#ended = true;
    for (const { reject } of this.#waiting.values()) reject(over(reason));
    this.#waiting.clear();
  }
}

function over(reason: string): ConsensusError {
  return new ConsensusError(
    'BACKGROUND_FAILED',
    `the background thread does nothing more: ${reason}`,
  );
}
