import { ACCESS_FLAGS_ALL, AccessFlags } from './access-flags.ts';
import type { Backend } from './backend.ts';
import type { CompletionQueue } from './completion-queue.ts';
import type { Context } from './context.ts';
import { refuse } from './errors.ts';
import { Owned } from './lifetime.ts';
import { MemoryRegion } from './memory-region.ts';
import { PreparedQueuePair } from './prepared-queue-pair.ts';
import type { SendRing } from './send-ring.ts';

/** What a new queue pair is made of. */
export interface QueuePairOptions {
  /** The ring its work requests are posted to; fixes the thread that posts. */
  readonly sendRing: SendRing;
  readonly sendCompletionQueue: CompletionQueue;
  /** Default: the send completion queue. */
  readonly receiveCompletionQueue?: CompletionQueue;
  /** Most work requests that may be outstanding. Default 128. */
  readonly sendQueueDepth?: number;
  /** Longest inline write in bytes. Default 0. */
  readonly inlineBytesMax?: number;
}

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

  /** ibv_create_qp(3), RC. The result cannot post before it is connected. */
  createQueuePair(options: QueuePairOptions): PreparedQueuePair {
    const { limits } = this.context.device;
    const depth = options.sendQueueDepth ?? 128;
    const inline = options.inlineBytesMax ?? 0;
    if (!Number.isInteger(depth) || depth < 1 || depth > limits.sendQueueDepthMax)
      throw refuse('ibv_create_qp', 'EINVAL', `send queue depth ${depth}`);
    if (!Number.isInteger(inline) || inline < 0 || inline > limits.inlineBytesMax)
      throw refuse(
        'ibv_create_qp',
        'EINVAL',
        `inline size ${inline}, limit ${limits.inlineBytesMax}`,
      );
    return new PreparedQueuePair(this, this.#backend, this.#handle, options, depth, inline);
  }

  protected release(): void {
    this.#backend.deallocateProtectionDomain(this.#handle);
  }
}
