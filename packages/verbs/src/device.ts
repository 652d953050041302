import type { Backend, DeviceInfo } from './backend.ts';
import { Context } from './context.ts';

/** An adapter that can be opened: a NIC's port on `ibverbs`, a name in a fabric on `shm` and `sim`. */
export class Device {
  readonly info: DeviceInfo;
  readonly #backend: Backend;

  constructor(backend: Backend, info: DeviceInfo) {
    this.#backend = backend;
    this.info = info;
  }

  get name(): string {
    return this.info.name;
  }

  /** ibv_open_device(3). Throws `VerbsError` when the device is gone or may not be used. */
  open(): Context {
    return new Context(this.#backend, this.info);
  }

  /**
   * What another thread of this process opened, for making objects that the calling thread uses.
   * Closing it closes those, not the context itself.
   */
  attach(contextHandle: number): Context {
    return new Context(this.#backend, this.info, contextHandle);
  }
}
