/**
 * The two planes of a replica without threads, sockets or clocks: for simulators and for those who
 * assemble a replica themselves. Not covered by semantic versioning.
 *
 * @packageDocumentation
 */
export {
  BackgroundAssembly,
  ReplicationAssembly,
  type BackgroundOffer,
  type ReplicationOffer,
} from './assembly.ts';
export { REPLICAS_MAX } from '../core/proposal-number.ts';
export { DEFAULT_TUNING, type Tuning } from '../limits.ts';
export { BackgroundPlane, type BackgroundPlaneOptions } from './background-plane.ts';
export type { BackgroundConnection } from './peer-monitor.ts';
export {
  Configuration,
  type ConfigurationRecord,
  type Incarnation,
} from '../core/configuration.ts';
export { readChange, type MembershipChange } from '../core/configuration.ts';
export { ConsensusError } from '../errors.ts';
export { FastPath } from './fast-path.ts';
export { majorityOf } from '../core/majority.ts';
export type { Lane, ReplicationMemory } from './lane.ts';
export type { Proposal } from './pending.ts';
export {
  Double,
  Int,
  LaneOwner,
  LogPhase,
  PlaneLink,
  type DoubleField,
  type IntField,
} from './plane-link.ts';
export { Replayer, type AppliedListener } from './replayer.ts';
export type { ReplicationEvents, ReplicationPlaneOptions } from './replication-options.ts';
export { ReplicationPlane } from './replication-plane.ts';
export { copyOf } from '../runtime/copy-of.ts';
export {
  oneThreadGroup,
  type OneThreadGroupOptions,
  type OneThreadMember,
} from '../runtime/one-thread-group.ts';
export { rehearse } from '../runtime/rehearsal.ts';
export { SCRATCHPAD_BYTES, Scratchpad } from './scratchpad.ts';
export { SequenceWindow } from '../sessions/sequence-window.ts';
export type { SessionTableRecord } from '../sessions/session-table.ts';
export { setV8Flags } from '../runtime/v8-flags.ts';
