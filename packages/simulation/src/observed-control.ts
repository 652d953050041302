import { QueuePairControl, type Backend, type ConnectOptions } from '@mu-smr/verbs';

/** Told after each change of what a peer may do to our log. */
export type ControlObserver = (change: 'modified' | 'cycled' | 'failed') => void;

/** An incoming lane as the permission manager handles it, with a witness. */
export class ObservedControl extends QueuePairControl {
  readonly #observer: ControlObserver;

  constructor(backend: Backend, original: QueuePairControl, observer: ControlObserver) {
    super(backend, original.handle, original.remote);
    this.#observer = observer;
  }

  override modifyAccess(accessFlags: number): void {
    try {
      super.modifyAccess(accessFlags);
    } finally {
      this.#observer('modified');
    }
  }

  override cycle(options: ConnectOptions): void {
    super.cycle(options);
    this.#observer('cycled');
  }

  override fail(): void {
    super.fail();
    this.#observer('failed');
  }
}
