import type { LogOffset } from '@mu-smr/log';
import type { ProposeOutcome, ReadBarrierOutcome, ReplicaId } from './propose-outcome.js';

/** Limits for one call. */
export interface CallOptions {
  /** Ends the wait early; the outcome says whether the command may still be decided. */
  readonly signal?: AbortSignal;
  /** Longest time to wait in milliseconds, counted from the call. Default: `proposeDeadlineMs`. */
  readonly deadlineMs?: number;
}

/** One step of a fail-over as this replica saw it. Times are `performance.now()`-like, in µs of CLOCK_MONOTONIC. */
export type TimelineStep =
  | { readonly kind: 'suspected'; readonly replica: ReplicaId; readonly atUs: number }
  | { readonly kind: 'requested'; readonly atUs: number }
  | { readonly kind: 'granted'; readonly by: ReplicaId; readonly atUs: number }
  | { readonly kind: 'caughtUp'; readonly atUs: number }
  | { readonly kind: 'firstDecided'; readonly atUs: number };

/** The states of two replicas differ although both have applied the same log. */
export interface Divergence {
  /** The offset up to which both had applied. */
  readonly at: LogOffset;
  /** The leader whose digest ours was compared with; which of the two is right nobody can tell. */
  readonly by: ReplicaId;
  readonly digest: string;
  readonly own: string;
}

/** Events of a replica; listeners run on the event loop, never inside the hot path. */
export interface ReplicaEvents {
  /** Whom this replica now believes to lead; `undefined` while nobody is known to. */
  leader: [leader: ReplicaId | undefined];
  /** This replica became able to propose, or ceased to be. */
  role: [role: 'leader' | 'follower'];
  /** A fail-over to this replica, step by step. */
  timeline: [step: TimelineStep];
  /** Our state is not that of a leader. The replica goes on: its operator must decide. */
  diverged: [divergence: Divergence];
  /** The replica cannot go on (a state machine that throws, a lost provider) and has stopped. */
  failed: [error: Error];
  /** `close` has released everything. */
  closed: [];
}

/** What a replica says of itself. */
export interface ReplicaStatus {
  readonly id: ReplicaId;
  readonly role: 'leader' | 'follower';
  readonly leader: ReplicaId | undefined;
  /** Offsets in bytes from the log's beginning: released ≤ applied ≤ firstUndecided ≤ tail. */
  readonly released: LogOffset;
  readonly applied: LogOffset;
  readonly firstUndecided: LogOffset;
  readonly tail: LogOffset;
  readonly capacityBytes: number;
  /** Replicas whose logs this leader may write, itself included; empty on a follower. */
  readonly confirmedFollowers: readonly ReplicaId[];
  /** Ids of the members, as far as they are known here. */
  readonly members: readonly ReplicaId[];
  /** Whether this very life of the replica is one of them: not while it joins. */
  readonly votes: boolean;
  /** `joining`: it has no state yet; `catchingUp`: what was decided since is on its way; `running`. */
  readonly phase: 'joining' | 'catchingUp' | 'running';
  readonly peers: readonly PeerStatus[];
  /** The last divergence of this replica's state from that of a leader. */
  readonly diverged: Divergence | undefined;
  readonly counters: ReplicaCounters;
  /** How the background thread is scheduled: `fifo` or `normal` and why. */
  readonly scheduling: string;
}

/** One replica seen from another. */
export interface PeerStatus {
  readonly id: ReplicaId;
  readonly trusted: boolean;
  readonly score: number;
  readonly applied: LogOffset;
}

/** Counts since start. */
export interface ReplicaCounters {
  readonly postedEntries: number;
  readonly decidedCommands: number;
  readonly appliedCommands: number;
  readonly permissionRequests: number;
  readonly permissionsGranted: number;
  readonly slowPermissionSwitches: number;
  readonly aborts: number;
  readonly suspicions: number;
  /** Suspected peers that were trusted again in the same life: slow or paused, not dead. */
  readonly falseSuspicions: number;
  readonly readProofs: number;
  /** Transfers of the whole state to and from other replicas. */
  readonly statesGiven: number;
  readonly statesReceived: number;
  /** Bytes that came with them, with one that is still coming, too. */
  readonly stateBytesReceived: number;
  /** Digests of the state that were compared with those of a leader, and how many differed. */
  readonly digestsCompared: number;
  readonly divergences: number;
}

/** The part of `Replica` that adapters use. */
export interface Proposer<Result> {
  readonly id: ReplicaId;
  readonly leader: ReplicaId | undefined;
  readonly isLeader: boolean;
  /** Proposes one command; callers of one turn of the event loop share a log entry. */
  propose(command: Uint8Array, options?: CallOptions): Promise<ProposeOutcome<Result>>;
  /**
   * Proves that this replica still leads and that its applied state holds every command decided
   * before the call. Many callers share one proof.
   */
  readBarrier(options?: CallOptions): Promise<ReadBarrierOutcome>;
  status(): ReplicaStatus;
}
