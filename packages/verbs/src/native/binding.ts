import type {
  DeviceLimits,
  RawCompletionQueue,
  RawMemory,
  RawQueuePair,
  RawQueuePairAttributes,
  RawQueuePairChange,
  RawQueuePairQuery,
  RawSendRing,
  PeerThreadState,
} from '../backend.ts';
import type { VerbsError } from '../errors.ts';
import type { QueuePairTypeName } from '../queue-pair-type.ts';
import type { RecordFormat, WalkRecords } from './record-walker.ts';

/** A device as the addon describes it. */
export interface IbverbsDevice {
  readonly name: string;
  /** Whether it is made of software, such as Soft-RoCE. */
  readonly software: boolean;
  /** The types of queue pairs that it has. */
  readonly queuePairTypes: readonly QueuePairTypeName[];
  readonly limits: DeviceLimits;
  readonly ports: readonly IbverbsPort[];
}

/** One port of a device. */
export interface IbverbsPort {
  readonly port: number;
  readonly active: boolean;
  readonly linkLayer: 'ethernet' | 'infiniband';
  readonly lid: number;
  readonly gids: readonly IbverbsGid[];
}

/** One address of a port. */
export interface IbverbsGid {
  readonly index: number;
  /** As sysfs writes it: eight groups of four hexadecimal digits. */
  readonly gid: string;
  /** `RoCE v2`, `IB/RoCE v1` or empty. */
  readonly type: string;
}

/** How a device is used; numbers as in ibv_modify_qp(3), gidIndex -1 = chosen by the provider. */
export interface IbverbsConnection {
  readonly port: number;
  readonly gidIndex: number;
  readonly timeoutExponent: number;
  readonly retryCount: number;
  readonly pollPolicy: 'spin' | 'yield' | undefined;
  readonly revocation: 'flags' | 'reset' | undefined;
  readonly completionEvents: boolean;
}

/** What native/addon.cc exports; each function names the C prototype it stands for there. */
export interface Binding {
  initialize(verbsError: typeof VerbsError): void;

  openShmContext(fabric: string, fabricRttNs: number): number;
  listIbverbsDevices(): IbverbsDevice[];
  openIbverbsContext(device: string, options: IbverbsConnection): number;
  /** Why there can be no device; empty when there can. */
  ibverbsProblem(): string;
  closeContext(context: number): void;
  allocateProtectionDomain(context: number): number;
  deallocateProtectionDomain(domain: number): void;
  registerMemory(context: number, domain: number, bytes: number, access: number): RawMemory;
  deregisterMemory(region: number): void;
  openMemory(region: number): ArrayBuffer;
  createCompletionQueue(context: number, depth: number): RawCompletionQueue;
  pollCompletionQueue(queue: number, atLeast: number): void;
  destroyCompletionQueue(queue: number): void;
  createSendRing(context: number, depth: number): RawSendRing;
  destroySendRing(ring: number): void;
  ringDoorbell(ring: number): void;
  /** `Mailbox`, for `writeNow` and `awaitWrites`. */
  readonly mailbox: Uint32Array;
  writeNow(): void;
  awaitWrites(): void;
  createQueuePair(
    context: number,
    domain: number,
    attributes: RawQueuePairAttributes,
  ): RawQueuePair;
  destroyQueuePair(queuePair: number): void;
  modifyQueuePair(queuePair: number, change: RawQueuePairChange): void;
  modifyAccess(queuePair: number, accessFlags: number): void;
  modifyQueuePairElsewhere(queuePair: number, changes: readonly RawQueuePairChange[]): void;
  queryQueuePair(queuePair: number): RawQueuePairQuery;
  createAddressHandle(context: number, domain: number, address: string): number;
  destroyAddressHandle(addressHandle: number): void;
  peerThreadState(queuePair: number): PeerThreadState;
  watchThisThread(context: number): void;
  waitForWake(context: number, timeoutUs: number, spinUs: number): boolean;
  wake(context: number): void;

  measureWrites(
    ring: number,
    queue: number,
    entries: Uint32Array,
    needed: number,
    rounds: number,
    latenciesNs?: Uint32Array,
  ): number;

  createRecordWalker(
    bytes: Uint8Array,
    format: RecordFormat,
    found: Uint32Array,
    trailers: boolean,
  ): WalkRecords;

  setThreadScheduling(fifoPriority: number, timerSlackNs: number): number;
  currentThreadId(): number;
  scheduleThread(threadId: number, fifoPriority: number): number;
  createWaker(callback: () => void): number;
  destroyWaker(waker: number): void;
  signalWaker(waker: number): void;
}
