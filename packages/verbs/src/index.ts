/**
 * The ibverbs object model for TypeScript: over RDMA devices, shared memory or a simulator.
 *
 * `example/loopback.mjs` is the whole product in thirty lines; README.md shows it and says what
 * permissions, errors and limits mean.
 *
 * @packageDocumentation
 */
export { AccessFlags } from './access-flags.ts';
export { AddressHandle } from './address-handle.ts';
export type {
  Backend,
  DeviceInfo,
  DeviceLimits,
  PeerThreadState,
  RawCompletionQueue,
  RawMemory,
  RawQueuePair,
  RawQueuePairAttributes,
  RawQueuePairChange,
  RawQueuePairQuery,
  RawSendRing,
} from './backend.ts';
export { CompletionQueue } from './completion-queue.ts';
export { Context, ContextControl } from './context.ts';
export {
  DatagramControl,
  DatagramQueuePair,
  GLOBAL_HEADER_BYTES,
  type Datagram,
  type DatagramOptions,
  type DatagramTarget,
} from './datagram-queue-pair.ts';
export { Device } from './device.ts';
export type { QueuePairEndpoint } from './endpoint.ts';
export { VerbsError } from './errors.ts';
export { crc32c, sealTrailer, TRAILER_BYTES, trailerMatches } from './integrity.ts';
export { Owned } from './lifetime.ts';
export { MemoryRegion } from './memory-region.ts';
export { PostingQueuePair } from './posting-queue-pair.ts';
export {
  PreparedDatagramQueuePair,
  PreparedQueuePair,
  UnreadyQueuePair,
  type ConnectOptions,
} from './prepared-queue-pair.ts';
export { ProtectionDomain } from './protection-domain.ts';
export type {
  DelayDistribution,
  PartitionDrops,
  SimFaultOptions,
  SimFaults,
} from './providers/sim/sim-faults.ts';
export {
  SimFabric,
  type SimFabricOptions,
  type SimPauseOptions,
} from './providers/sim/sim-fabric.ts';
export type { SimWriteEvent } from './providers/sim/sim-nic.ts';
export { QueuePair } from './queue-pair.ts';
export { QueuePairControl } from './queue-pair-control.ts';
export type {
  DatagramQueuePairOptions,
  QueuePairOptions,
  QueuePairSetup,
} from './queue-pair-setup.ts';
export { QueuePairState, transitionAllowed, type QueuePairStateName } from './queue-pair-state.ts';
export { QueuePairType, type QueuePairTypeName } from './queue-pair-type.ts';
export { ReceiveQueue } from './receive-queue.ts';
export {
  CompletionEntry,
  Received,
  ReceivedFlags,
  RECEIVE_QUEUE,
  Ring,
  SendEntry,
  SendFlags,
} from './ring-layout.ts';
export { SendRing, type Poster } from './send-ring.ts';
export { EARLIER_SHIFT, type WriteTargets } from './write-to-all.ts';
export {
  isPermissionError,
  Opcode,
  statusName,
  WorkCompletionStatus,
  type OpcodeName,
  type WorkCompletion,
  type WorkCompletionStatusName,
} from './work-completion.ts';
export type {
  LocalRange,
  Message,
  ReceiveRequest,
  RemotePlace,
  WorkRequest,
  WorkRequestOptions,
} from './work-request.ts';
export { RawWrites, type RawWrite } from './native/measure.ts';
export {
  FOUND_WORDS,
  RecordWalker,
  type RecordFormat,
  type WalkRecords,
} from './native/record-walker.ts';
export { bindingProblem } from './native/load.ts';
export type { IbverbsDevice, IbverbsGid, IbverbsPort } from './native/binding.ts';
export {
  ibverbsBackend,
  ibverbsDevice,
  ibverbsProblem,
  listIbverbsDevices,
  type IbverbsOptions,
} from './native/ibverbs-backend.ts';
export { defaultFabric, shmBackend, shmDevice, type ShmOptions } from './native/shm-backend.ts';
export {
  currentThreadId,
  EventLoopWaker,
  scheduleThisThread,
  scheduleThread,
  signalWaker,
  type ThreadScheduling,
} from './native/thread.ts';
