import type { LogOffset } from '@mu-smr/log';

/** Identity of a replica: a small integer, also its priority in elections (lowest first). */
export type ReplicaId = number;

/** The command was decided and applied here; it survives the crash of any minority. */
export interface Decided<Result> {
  readonly kind: 'decided';
  readonly at: LogOffset;
  /** What `StateMachine.apply` returned at this replica. */
  readonly result: Result;
}

/** Definitely not done: another replica leads, or nobody is known to. */
export interface NotLeader {
  readonly kind: 'notLeader';
  readonly leader: ReplicaId | undefined;
}

/** Definitely not done: the command never reached a log. */
export interface Rejected {
  readonly kind: 'rejected';
  readonly reason: 'tooLarge' | 'overloaded' | 'closed' | 'aborted' | 'deadline';
}

/**
 * Cannot be told: leadership was lost, or the deadline passed, between the first write and the
 * majority. The command may be decided now, later, or never.
 */
export interface Unknown {
  readonly kind: 'unknown';
  readonly reason: 'lostPermission' | 'deadline' | 'aborted' | 'closed';
}

/** How a proposal ended. Nothing is retried behind the caller's back. */
export type ProposeOutcome<Result = unknown> = Decided<Result> | NotLeader | Rejected | Unknown;

/** How the removal of a member ended. */
export type RemovalOutcome =
  | { readonly kind: 'removed' }
  | NotLeader
  | {
      readonly kind: 'rejected';
      /**
       * `leads`: a leader does not remove itself, leadership is transferred first. `noMajority`: those
       * that would remain and are up to date are no majority of the rest.
       */
      readonly reason: 'leads' | 'noMajority' | 'closed';
    }
  | Unknown;

/** How a leader's attempt to end its epoch for another ended. */
export type HandOverOutcome =
  | { readonly kind: 'handedOver'; readonly to: ReplicaId }
  | NotLeader
  | {
      readonly kind: 'rejected';
      /**
       * `noSuccessor`: no other member is trusted and up to date, or not the one that is wanted.
       * `busy`: another transfer is under way, or what was proposed took too long.
       */
      readonly reason: 'noSuccessor' | 'busy' | 'closed';
    };

/** How a transfer of leadership ended; `refused`: the successor did not take it, and the old leader leads. */
export type TransferOutcome =
  | { readonly kind: 'transferred'; readonly to: ReplicaId }
  | Exclude<HandOverOutcome, { readonly kind: 'handedOver' }>
  | { readonly kind: 'rejected'; readonly reason: 'refused' };

/** How a linearizable read barrier ended: only after `current` may local state be read. */
export type ReadBarrierOutcome = { readonly kind: 'current' } | NotLeader | Rejected;

/** Whether the state that is applied here may be read, old as it may be: docs/guides/reads. */
export type LocalReadOutcome =
  | {
      readonly kind: 'local';
      /** The state holds every command that was decided below this offset, and no other. */
      readonly applied: LogOffset;
    }
  /** `noState`: another replica's state is on its way, and nothing whole is here. */
  | { readonly kind: 'rejected'; readonly reason: 'noState' | 'closed' };
