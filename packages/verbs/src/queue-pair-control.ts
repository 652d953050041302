import type { Backend, PeerThreadState, RawQueuePairChange } from './backend.ts';
import type { QueuePairEndpoint } from './endpoint.ts';
import { refuse } from './errors.ts';
import type { ConnectOptions } from './prepared-queue-pair.ts';
import {
  QueuePairState,
  queuePairStateName,
  transitionAllowed,
  type QueuePairStateName,
} from './queue-pair-state.ts';

/** State and permissions of a connected queue pair; every thread of the process may hold one. */
export class QueuePairControl {
  readonly handle: number;
  readonly remote: QueuePairEndpoint;
  readonly #backend: Backend;

  constructor(backend: Backend, handle: number, remote: QueuePairEndpoint) {
    if (remote.provider !== backend.name)
      throw refuse(
        'ibv_modify_qp',
        'EINVAL',
        `a ${backend.name} queue pair, a ${remote.provider} peer`,
      );
    this.#backend = backend;
    this.handle = handle;
    this.remote = remote;
  }

  /** ibv_query_qp(3): the state as the provider sees it now. */
  get state(): QueuePairStateName {
    return queuePairStateName(this.#backend.queryQueuePair(this.handle).state);
  }

  /** What the peer may do through this queue pair. */
  get accessFlags(): number {
    return this.#backend.queryQueuePair(this.handle).accessFlags;
  }

  /** How often a revocation here had to relocate memory. */
  get relocations(): number {
    return this.#backend.queryQueuePair(this.handle).relocations;
  }

  /**
   * Changes what the peer may do, on a queue pair that works: the fast path of a permission switch.
   * When it returns, no byte is changed any more through a permission that it took away. Throws
   * EINVAL unless the queue pair is in RTS.
   */
  modifyAccess(accessFlags: number): void {
    // The provider refuses what the state does not allow: a permission switch has no time to ask first.
    this.#backend.modifyAccess(this.handle, accessFlags);
  }

  /**
   * RESET→INIT→RTR→RTS: the slow path, and the only way out of ERR. Both sides must do it with
   * matching packet sequence numbers; after cycling one side only, writes end in `retryExceeded`.
   */
  cycle(options: ConnectOptions): void {
    for (const change of this.#cycleSteps(options)) this.#change(change);
  }

  /**
   * The same without waiting for it, where a step may block. `state` tells when it is done; until then
   * nobody may post.
   */
  cycleElsewhere(options: ConnectOptions): void {
    if (this.#backend.modifyQueuePairElsewhere === undefined) this.cycle(options);
    else this.#backend.modifyQueuePairElsewhere(this.handle, this.#cycleSteps(options));
  }

  /** To ERR: everything outstanding is flushed, nothing is admitted. */
  fail(): void {
    this.#change({ state: QueuePairState.error });
  }

  /** What the kernel says of the thread the peer watches by; `unknown` where it cannot be told. */
  peerThreadState(): PeerThreadState {
    return this.#backend.peerThreadState(this.handle);
  }

  #cycleSteps(options: ConnectOptions): RawQueuePairChange[] {
    const { receivePacketSequenceNumber = 0, sendPacketSequenceNumber = 0 } = options;
    return [
      { state: QueuePairState.reset },
      { state: QueuePairState.init, accessFlags: options.accessFlags },
      {
        state: QueuePairState.readyToReceive,
        remoteAddress: this.remote.address,
        remoteQueuePairNumber: this.remote.queuePairNumber,
        receivePacketSequenceNumber,
      },
      { state: QueuePairState.readyToSend, sendPacketSequenceNumber },
    ];
  }

  #change(change: RawQueuePairChange): void {
    const from = this.state;
    const to = queuePairStateName(change.state);
    if (!transitionAllowed(from, to)) throw refuse('ibv_modify_qp', 'EINVAL', `${from} to ${to}`);
    this.#backend.modifyQueuePair(this.handle, change);
  }
}
