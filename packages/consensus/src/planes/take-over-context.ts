import type { LogOffset } from '@mu-smr/log';
import type { FastPath } from './fast-path.ts';
import type { LogAccess } from './log-access.ts';
import type { Rounds } from './round.ts';

/** What a new leader was told with each grant. */
export interface GrantedLog {
  /** First offset that the granter does not know to be decided. */
  readonly known: LogOffset;
  /** First offset that the granter's ring still holds. */
  readonly head: LogOffset;
}

/** What the slow path needs of the replication plane. */
export interface TakeOverContext {
  readonly self: number;
  readonly fastPath: FastPath;
  readonly access: LogAccess;
  readonly rounds: Rounds;
  readonly nowUs: () => number;
  /** How long a follower that grants may take to make room. */
  readonly patienceUs: number;
  /** What we know ourselves; catching up moves it. */
  readonly known: () => LogOffset;
  /** Whether all of that is applied, so that it is certain who votes. */
  readonly applied: () => boolean;
  readonly learnt: (known: LogOffset, release: LogOffset) => void;
  /** What may be released, by all we know. */
  readonly release: () => LogOffset;
  /** First offset that our own ring still holds. */
  readonly ownHead: () => LogOffset;
  /** First offset that our own ring goes on holding: below, it may be zeroed at any time. */
  readonly ownKept: () => LogOffset;
  readonly granted: (replica: number) => GrantedLog;
  /** Leaves a follower out that cannot be brought up to date, or makes no room in time. */
  readonly leaveOut: (replica: number) => void;
  /** Our log is behind every ring: only state transfer helps. */
  readonly strayed: () => void;
  /** A follower that granted is behind our ring. */
  readonly unserved: () => void;
}
