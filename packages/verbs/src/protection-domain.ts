import { ACCESS_FLAGS_ALL, AccessFlags } from './access-flags.ts';
import { AddressHandle } from './address-handle.ts';
import type { Backend } from './backend.ts';
import type { Context } from './context.ts';
import { refuse } from './errors.ts';
import { Owned } from './lifetime.ts';
import { MemoryRegion } from './memory-region.ts';
import { PreparedDatagramQueuePair, PreparedQueuePair } from './prepared-queue-pair.ts';
import {
  setupOf,
  type DatagramQueuePairOptions,
  type QueuePairOptions,
} from './queue-pair-setup.ts';

/** Groups memory regions and queue pairs that may be used together. */
export class ProtectionDomain extends Owned {
  readonly context: Context;
  readonly #backend: Backend;
  readonly #handle: number;

  constructor(context: Context, backend: Backend, contextHandle: number) {
    super(context);
    this.context = context;
    this.#backend = backend;
    this.#handle = backend.allocateProtectionDomain(contextHandle);
    this.attach();
  }

  /**
   * Allocates zeroed, registered memory of `bytes` bytes: ibv_reg_mr(3) over memory of our own.
   * Throws EINVAL for sizes that the device does not allow, for unknown flags, and for `remoteWrite`
   * or `remoteAtomic` without `localWrite`; ENOSPC or ENOMEM when there is no room.
   */
  allocateMemory(bytes: number, access: number): MemoryRegion {
    const max = this.context.device.limits.regionBytesMax;
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > max)
      throw refuse('ibv_reg_mr', 'EINVAL', `${bytes} bytes, the device allows 1 to ${max}`);
    if ((access & ~ACCESS_FLAGS_ALL) !== 0)
      throw refuse('ibv_reg_mr', 'EINVAL', `unknown access flags ${access}`);
    const changes = AccessFlags.remoteWrite | AccessFlags.remoteAtomic;
    if ((access & changes) !== 0 && (access & AccessFlags.localWrite) === 0)
      throw refuse('ibv_reg_mr', 'EINVAL', 'remoteWrite and remoteAtomic need localWrite');
    return new MemoryRegion(this, this.#backend, this.#handle, bytes, access);
  }

  /**
   * ibv_create_qp(3). The result cannot post before it is connected, or opened where it is of datagrams.
   * Throws EINVAL for what the device does not allow, ENOTSUP for a type of queue pairs, or for receives,
   * that it does not have.
   */
  createQueuePair(options: QueuePairOptions): PreparedQueuePair;
  createQueuePair(options: DatagramQueuePairOptions): PreparedDatagramQueuePair;
  createQueuePair(
    options: QueuePairOptions | DatagramQueuePairOptions,
  ): PreparedQueuePair | PreparedDatagramQueuePair {
    const setup = setupOf(this.context.device, options);
    const Prepared = setup.type === 'UD' ? PreparedDatagramQueuePair : PreparedQueuePair;
    return new Prepared(this, this.#backend, this.#handle, setup);
  }

  /**
   * ibv_create_ah(3): where datagrams may be sent to; `address` is that of an endpoint of a peer. On
   * Ethernet the peer's hardware address is looked up, for up to a second. Throws ENOTSUP where there
   * are no datagrams.
   */
  createAddressHandle(address: string): AddressHandle {
    const { provider, queuePairTypes } = this.context.device;
    if (!queuePairTypes.includes('UD'))
      throw refuse(
        'ibv_create_ah',
        'ENOTSUP',
        `${provider} has ${queuePairTypes.join(', ')}: no UD`,
      );
    return new AddressHandle(this, this.#backend, this.#handle, address);
  }

  protected release(): void {
    this.#backend.deallocateProtectionDomain(this.#handle);
  }
}
