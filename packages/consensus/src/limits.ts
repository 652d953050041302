import type { LogGeometry } from '@mu-smr/log';
import type { PullScoreOptions } from './core/pull-score.ts';

/** Every tunable of consensus, in one place; times in microseconds. */
export interface Tuning {
  /** How long the background plane sleeps between two steps. */
  readonly tickUs: number;
  /** How long it spins before it sleeps. */
  readonly spinUs: number;
  /** SCHED_FIFO priority of the background thread; 0 = normal scheduling. */
  readonly fifoPriority: number;
  /** How long a thread that waits to lead waits between two steps of practice; 0 = it does not practise. */
  readonly practiceUs: number;
  readonly score: PullScoreOptions;
  /** Confirm a suspicion with the kernel before acting on it. */
  readonly verifySuspicions: boolean;
  /** How long a runnable thread may stand still before it is suspected all the same. */
  readonly hardLimitUs: number;
  /** After a majority of grants, how long to wait for the others. */
  readonly grantGraceUs: number;
  /** How long a candidate waits for a majority of grants before it asks again. */
  readonly grantTimeoutUs: number;
  /**
   * After a lost connection, how long a peer is left alone before it is tried again on a connection
   * made anew; 0 = a lost connection is a death. Longer than it takes to lose one, at either end.
   */
  readonly reviveUs: number;
  /** After losing a permission, how long to stand back, times (1 + id). */
  readonly backOffUs: number;
  /** How long a holder of our log may go without claiming leadership. */
  readonly claimPatienceUs: number;
  /** How long a leader waits before it asks a follower that dropped out again. */
  readonly regrantUs: number;
  /** After the last proposal, how soon followers are told what was decided. */
  readonly idleFlushUs: number;
  /** How long little that comes to a follower may gather before its event loop is woken to apply it. */
  readonly replayUs: number;
  /** A follower that has entries to apply and applies none for this long is no longer waited for. */
  readonly slowFollowerUs: number;
  /** Longest time without any progress of the replication plane before the heartbeat stops. */
  readonly fateSharingUs: number;
  /** Most entries that are posted and not decided. */
  readonly outstandingMax: number;
  /** Most commands that wait to be posted; beyond, `propose` answers `overloaded`. */
  readonly queuedCommandsMax: number;
  /** Bytes of log between two comparisons of the replicas' states; 0 = they are not compared. */
  readonly digestIntervalBytes: number;
  /** Default time for a proposal. */
  readonly proposeDeadlineMs: number;
}

/** How long a follower may hold up what a majority could do without it. */
export function patienceUs({ grantGraceUs }: Tuning): number {
  return grantGraceUs * 10;
}

/** What serves on a shared machine with the shared-memory fabric: docs/guides/tuning. */
export const DEFAULT_TUNING: Tuning = {
  tickUs: 500,
  spinUs: 0,
  fifoPriority: 10,
  practiceUs: 300,
  score: { cap: 3, failBelow: 2, recoverAbove: 2 },
  verifySuspicions: true,
  hardLimitUs: 30_000,
  grantGraceUs: 200,
  grantTimeoutUs: 100_000,
  reviveUs: 0,
  backOffUs: 1000,
  claimPatienceUs: 2000,
  regrantUs: 5000,
  idleFlushUs: 50,
  replayUs: 2000,
  slowFollowerUs: 250_000,
  fateSharingUs: 1_000_000,
  outstandingMax: 64,
  queuedCommandsMax: 65_536,
  digestIntervalBytes: 0,
  proposeDeadlineMs: 5000,
};

/**
 * What serves between machines: nobody can be asked about a peer's thread, so the score alone decides,
 * with the paper's thresholds; and a connection may be lost and come back.
 */
export const IBVERBS_TUNING: Tuning = {
  ...DEFAULT_TUNING,
  score: { cap: 15, failBelow: 2, recoverAbove: 6 },
  verifySuspicions: false,
  reviveUs: 1_000_000,
};

/**
 * The same for devices made of software, such as Soft-RoCE: their packets wait for processors that
 * everything else uses too, so times are those of a scheduler, not of a network. Nothing runs at
 * SCHED_FIFO there: a thread that waits for packets would keep those away that move them.
 */
export const SOFTWARE_DEVICE_TUNING: Tuning = {
  ...IBVERBS_TUNING,
  tickUs: 5000,
  fifoPriority: 0,
  score: { cap: 100, failBelow: 2, recoverAbove: 10 },
  reviveUs: 2_500_000,
  grantGraceUs: 50_000,
  grantTimeoutUs: 2_000_000,
  backOffUs: 50_000,
  claimPatienceUs: 500_000,
  regrantUs: 200_000,
  idleFlushUs: 5000,
  slowFollowerUs: 5_000_000,
  fateSharingUs: 5_000_000,
  proposeDeadlineMs: 15_000,
};

/** 16 MiB of log, commands up to 512 KiB. */
export const DEFAULT_GEOMETRY: LogGeometry = {
  capacityBytes: 16 * 1024 * 1024,
  payloadBytesMax: 512 * 1024,
  windowBytes: 2 * 1024 * 1024,
};
