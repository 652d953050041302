import { scheduleThread } from '@mu-smr/verbs';

/** Has another thread of this process run before everything of normal priority, while it is raised. */
export class ThreadBoost {
  readonly #thread: number;
  readonly #fifoPriority: number;
  #raised = false;

  /** `fifoPriority` 0: it is never raised. */
  constructor(thread: number, fifoPriority: number) {
    this.#thread = thread;
    this.#fifoPriority = fifoPriority;
  }

  readonly raise = (raised: boolean): void => {
    if (this.#fifoPriority === 0) return;
    this.#raised = raised;
    scheduleThread(this.#thread, raised ? this.#fifoPriority : 0);
  };

  /** Leaves the thread as it was: nobody else would. */
  end(): void {
    if (this.#raised) this.raise(false);
  }
}
