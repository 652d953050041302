/**
 * Mu: state machine replication in one round of one-sided RDMA writes.
 *
 * @packageDocumentation
 */
export { REPLICAS_MAX } from './core/proposal-number.ts';
export type { PullScoreOptions } from './core/pull-score.ts';
export { ConsensusError, type ConsensusErrorCode } from './errors.ts';
export {
  DEFAULT_GEOMETRY,
  DEFAULT_TUNING,
  IBVERBS_TUNING,
  SOFTWARE_DEVICE_TUNING,
  type Tuning,
} from './limits.ts';
export type {
  Decided,
  LocalReadOutcome,
  HandOverOutcome,
  NotLeader,
  ProposeOutcome,
  ReadBarrierOutcome,
  Rejected,
  RemovalOutcome,
  TransferOutcome,
  ReplicaId,
  Unknown,
} from './propose-outcome.ts';
export type {
  CallOptions,
  Divergence,
  PeerStatus,
  Proposer,
  ReplicaCounters,
  ReplicaEvents,
  ReplicaStatus,
  TimelineStep,
} from './replica-api.ts';
export { Replica } from './replica.ts';
export type { IbverbsFabric, ReplicaOptions } from './replica-options.ts';
export type { ApplyContext, StateMachine } from './state-machine.ts';
export {
  Session,
  SessionError,
  type SessionAttempt,
  type SessionOptions,
  type SessionOutcome,
} from './sessions/session.ts';
export {
  decodeSessionRequest,
  encodeSessionRequest,
  PLAIN_HEADER_BYTES,
  SESSION_HEADER_BYTES,
  type SessionId,
  type SessionRequest,
} from './sessions/session-request.ts';
export { DEFAULT_SESSION_LIMITS, type SessionLimits } from './sessions/session-table.ts';
export {
  withSessions,
  type SessionMachine,
  type SessionRefusal,
  type SessionResult,
} from './sessions/with-sessions.ts';
