import type {
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

/** What native/addon.cc exports; each function names the C prototype it stands for there. */
export interface Binding {
  initialize(verbsError: typeof VerbsError): void;

  openShmContext(fabric: string, fabricRttNs: number): number;
  closeContext(context: number): void;
  allocateProtectionDomain(context: number): number;
  deallocateProtectionDomain(domain: number): void;
  registerMemory(context: number, domain: number, bytes: number, access: number): RawMemory;
  deregisterMemory(region: number): void;
  openMemory(region: number): ArrayBuffer;
  createCompletionQueue(context: number, depth: number): RawCompletionQueue;
  destroyCompletionQueue(queue: number): void;
  createSendRing(context: number, depth: number): RawSendRing;
  destroySendRing(ring: number): void;
  createQueuePair(
    context: number,
    domain: number,
    attributes: RawQueuePairAttributes,
  ): RawQueuePair;
  destroyQueuePair(queuePair: number): void;
  modifyQueuePair(queuePair: number, change: RawQueuePairChange): void;
  queryQueuePair(queuePair: number): RawQueuePairQuery;
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

  createTrailerVerifier(bytes: Uint8Array, ranges: Uint32Array): (count: number) => number;

  setThreadScheduling(fifoPriority: number, timerSlackNs: number): number;
  currentThreadId(): number;
  scheduleThread(threadId: number, fifoPriority: number): number;
  createWaker(callback: () => void): number;
  destroyWaker(waker: number): void;
  signalWaker(waker: number): void;
}
