import type { QueuePairTypeName } from './queue-pair-type.ts';

/**
 * The contract every provider fulfils, in C terms: integer handles and numbers, no lifetimes. The
 * object model (`Device` … `QueuePair`) is written once above it. What a provider lacks it refuses
 * with `VerbsError` ENOTSUP.
 *
 * Threads: a handle is valid in every thread of the process. A send ring and a completion queue are
 * used by one thread; `modifyQueuePair`, `modifyAccess`, `queryQueuePair`, `openMemory` and
 * `wake` by any.
 */
export interface Backend {
  readonly name: 'shm' | 'ibverbs' | 'sim';

  /** ibv_get_device_list(3). */
  listDevices(): DeviceInfo[];
  /** ibv_open_device(3). ENODEV when there is no device of that name. */
  openContext(device: string): number;
  /** ibv_close_device(3). */
  closeContext(context: number): void;

  /** ibv_alloc_pd(3). */
  allocateProtectionDomain(context: number): number;
  /** ibv_dealloc_pd(3). */
  deallocateProtectionDomain(domain: number): void;

  /** ibv_reg_mr(3), over memory of the provider's own. */
  registerMemory(domain: number, bytes: number, access: number): RawMemory;
  /** ibv_dereg_mr(3). When it returns, no peer changes the bytes any more. */
  deregisterMemory(region: number): void;
  /** A view for the calling thread of memory that another thread registered. */
  openMemory(region: number): ArrayBuffer;

  /** ibv_create_cq(3). */
  createCompletionQueue(context: number, depth: number): RawCompletionQueue;
  /**
   * Brings finished work into the ring, where that `needsPoll`; nothing once destroyed. Looks again, for
   * two microseconds or so, while fewer than `atLeast` completions wait. ibv_poll_cq(3).
   */
  pollCompletionQueue(queue: number, atLeast: number): void;
  /** ibv_destroy_cq(3). */
  destroyCompletionQueue(queue: number): void;

  /** A ring of work requests for one thread; all its queue pairs may use it. */
  createSendRing(context: number, depth: number): RawSendRing;
  /** Gives the ring back; what was not handed over is forgotten. */
  destroySendRing(ring: number): void;
  /** Hands every entry between consumer and producer to the provider, in order; nothing once destroyed. */
  ringDoorbell(ring: number): void;
  /**
   * Rings the doorbell, and then carries out, or hands over, the write that stands in the ring as
   * `WriteNow`: a bit for each target that has it by now, for which no completion comes. On a ring that is
   * not `immediate` it waits for completions as that says, two microseconds or so at most, and takes them
   * in: those of earlier writes to the same targets have bits of their own, 16 higher.
   */
  writeNow(ring: number): number;
  /** Waits again for that write, and returns what was found since. */
  awaitWrites(ring: number): number;

  /** ibv_create_qp(3), in RESET. */
  createQueuePair(domain: number, attributes: RawQueuePairAttributes): RawQueuePair;
  /** Its outstanding work requests never complete; when it returns, nothing more enters a ring. */
  destroyQueuePair(queuePair: number): void;
  /**
   * Every work request is retired by a completion also when the queue pair leaves RTS: a step to ERR
   * or RESET completes everything outstanding with `workRequestFlushed`. (Hardware forgets it at
   * RESET; then the provider completes it, or the places in the queues would be lost.)
   */
  modifyQueuePair(queuePair: number, change: RawQueuePairChange): void;
  /** The same from RTS to RTS, for the access flags alone. */
  modifyAccess(queuePair: number, accessFlags: number): void;
  /**
   * Several steps of one queue pair, on a thread of the provider's own where a step may block: on
   * Ethernet the kernel looks up the peer's hardware address at RTR, for up to a second. Absent where
   * no step does.
   */
  modifyQueuePairElsewhere?(queuePair: number, changes: readonly RawQueuePairChange[]): void;
  /** ibv_query_qp(3). */
  queryQueuePair(queuePair: number): RawQueuePairQuery;

  /** ibv_create_ah(3): where datagrams may be sent to; `address` is that of an endpoint. */
  createAddressHandle?(domain: number, address: string): number;
  /** ibv_destroy_ah(3). */
  destroyAddressHandle?(addressHandle: number): void;

  /** Registers the calling thread as the one whose life and state peers watch. */
  watchThisThread(context: number): void;
  /** Scheduler state of the peer's watched thread, where one kernel runs both. */
  peerThreadState(queuePair: number): PeerThreadState;

  /**
   * Blocks until the context's doorbell is rung or the time is over: spins first, then sleeps.
   * Returns whether it was rung since the last wait.
   */
  waitForWake(context: number, timeoutUs: number, spinUs: number): boolean;
  /** Rings the context's own doorbell, from any thread. */
  wake(context: number): void;
}

/** What the kernel says of a peer's thread. */
export type PeerThreadState = 'running' | 'stopped' | 'dead' | 'unknown';

/** A device as `listDevices` tells of it. */
export interface DeviceInfo {
  readonly name: string;
  readonly provider: Backend['name'];
  /** The types of queue pairs that it has: `RC` at least. */
  readonly queuePairTypes: readonly QueuePairTypeName[];
  /** Largest values the device allows. */
  readonly limits: DeviceLimits;
}

/** What a device allows at most. */
export interface DeviceLimits {
  readonly sendQueueDepthMax: number;
  readonly completionQueueDepthMax: number;
  readonly inlineBytesMax: number;
  readonly messageBytesMax: number;
  readonly regionBytesMax: number;
  /** Path MTU in bytes: a longer write is cut into packets, and can be torn between them. */
  readonly mtuBytes: number;
  /** 0: its queue pairs receive no messages. */
  readonly receiveQueueDepthMax: number;
}

/** A registered region. */
export interface RawMemory {
  readonly region: number;
  readonly localKey: number;
  readonly remoteKey: number;
  readonly buffer: ArrayBuffer;
}

/** A completion queue, and the memory that it completes into. */
export interface RawCompletionQueue {
  readonly queue: number;
  /** The ring, laid out as `CompletionEntry`. */
  readonly ring: ArrayBuffer;
  /** Whether finished work is in the ring only after `pollCompletionQueue`. */
  readonly needsPoll: boolean;
  /** `Received` for each place of the ring; absent where nothing is ever received. */
  readonly received?: ArrayBuffer;
}

/** A send ring, and the memory that it is posted to. */
export interface RawSendRing {
  readonly ring: number;
  /** The ring, laid out as `SendEntry`, with `WriteNow` behind it. */
  readonly buffer: ArrayBuffer;
  /** Whether work requests are over when the call that carries them out returns. */
  readonly immediate: boolean;
}

/** What a queue pair is made with. */
export interface RawQueuePairAttributes {
  /** A number of `QueuePairType`. */
  readonly type: number;
  readonly sendCompletionQueue: number;
  readonly receiveCompletionQueue: number;
  readonly sendQueueDepth: number;
  /** 0: it receives no messages. */
  readonly receiveQueueDepth: number;
  readonly inlineBytesMax: number;
}

/** A new queue pair. */
export interface RawQueuePair {
  readonly queuePair: number;
  readonly queuePairNumber: number;
  /** Where a peer reaches it: an opaque text, e.g. the segment's name or LID and GID. */
  readonly address: string;
}

/** One `ibv_modify_qp`: the state to reach, and what that step needs. */
export interface RawQueuePairChange {
  /** A number of `QueuePairState`. */
  readonly state: number;
  /** For INIT, and RTS→RTS; of connected queue pairs. */
  readonly accessFlags?: number;
  /** For INIT; of datagrams. */
  readonly queueKey?: number;
  /** For RTR; of connected queue pairs. */
  readonly remoteAddress?: string;
  readonly remoteQueuePairNumber?: number;
  readonly receivePacketSequenceNumber?: number;
  /** For RTS. */
  readonly sendPacketSequenceNumber?: number;
}

/** A queue pair as it is now. */
export interface RawQueuePairQuery {
  readonly state: number;
  readonly accessFlags: number;
  /** How often revocation had to relocate memory because a writer stood in the middle of a copy. */
  readonly relocations: number;
}
