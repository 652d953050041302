import type { Backend, DeviceInfo } from './backend.ts';
import { CompletionQueue } from './completion-queue.ts';
import { Owned } from './lifetime.ts';
import { checkPowerOfTwo } from './limits.ts';
import { ProtectionDomain } from './protection-domain.ts';
import { SendRing } from './send-ring.ts';

/** An opened device: parent of protection domains, completion queues and send rings. */
export class Context extends Owned {
  readonly device: DeviceInfo;
  readonly #backend: Backend;
  readonly #handle: number;
  readonly #borrowed: boolean;

  /** `borrowed` is the handle of a context that another thread opened and will close. */
  constructor(backend: Backend, device: DeviceInfo, borrowed?: number) {
    super();
    this.#backend = backend;
    this.device = device;
    this.#borrowed = borrowed !== undefined;
    this.#handle = borrowed ?? backend.openContext(device.name);
  }

  /** Identifies this context in every thread of the process; see `ContextControl`. */
  get handle(): number {
    return this.#handle;
  }

  /** ibv_alloc_pd(3). Queue pairs reach only the memory regions of their own domain. */
  allocateProtectionDomain(): ProtectionDomain {
    return new ProtectionDomain(this, this.#backend, this.#handle);
  }

  /**
   * ibv_create_cq(3). `depth` is a power of two; posting is refused when the outstanding work
   * requests could overrun it.
   */
  createCompletionQueue(depth: number): CompletionQueue {
    checkPowerOfTwo('ibv_create_cq', depth, this.device.limits.completionQueueDepthMax);
    return new CompletionQueue(this, this.#backend, this.#handle, depth);
  }

  /** A ring of work requests for one thread, shared by that thread's queue pairs. */
  createSendRing(depth: number): SendRing {
    checkPowerOfTwo('createSendRing', depth, this.device.limits.sendQueueDepthMax);
    return new SendRing(this, this.#backend, this.#handle, depth);
  }

  protected release(): void {
    if (!this.#borrowed) this.#backend.closeContext(this.#handle);
  }
}

/** What any thread may do with a context that another thread opened. */
export class ContextControl {
  readonly #backend: Backend;
  readonly #handle: number;

  constructor(backend: Backend, handle: number) {
    this.#backend = backend;
    this.#handle = handle;
  }

  /** Makes the calling thread the one whose death and scheduler state peers observe. */
  watchThisThread(): void {
    this.#backend.watchThisThread(this.#handle);
  }

  /** Blocks the calling thread until the doorbell rings; true when it did. */
  waitForWake(timeoutUs: number, spinUs: number): boolean {
    return this.#backend.waitForWake(this.#handle, timeoutUs, spinUs);
  }

  /** Rings the doorbell, so that whoever waits returns. */
  wake(): void {
    this.#backend.wake(this.#handle);
  }
}
