import type { LogOffset } from '@mu-smr/log';
import { REPLICAS_MAX } from '../core/proposal-number.ts';

/** Words of 32 bits that the two planes share; each has one writer, named here. */
const INTS = {
  /** Replication: changes while it lives. */
  progress: 0,
  /** Replication: the last epoch it gave up, with every lane handed back. */
  endedEpoch: 1,
  /** Replication: 1 while it proposes. */
  leading: 2,
  /** Replication: 1 when this log can no longer be brought up to date from a peer's ring. */
  strayed: 3,
  /** Replication: 1 + id of the replica for which it ended its last epoch; 0 = for none. */
  successor: 4,
  /** Background: the epoch it holds or seeks permissions for; 0 before the first. */
  epoch: 8,
  /** Background: id of the leader it believes in, or -1. */
  leader: 9,
  /** Background: counts wake-ups; the replication plane can wait on it. */
  wake: 10,
  /** Background: the last epoch it knows to be over, because it granted our log to another. */
  deposed: 11,
  /** Replication: counts tasks that were sent to the background thread. */
  mail: 21,
  /**
   * Replication: 1 once an epoch ended because a follower that granted it was behind our ring; 0 with the
   * next in which we lead.
   */
  unserved: 23,
  /** Replication: counts steps of practice; the background thread does as many. */
  practised: 24,
  /** Either: 1 asks the background thread to end. */
  stop: 12,
  /** Replication: `LogPhase`. */
  phase: 13,
  /**
   * Background: not 0 when no ring holds what this log misses, and nobody may write it until it is
   * opened anew: then the number of the opening that this is the end of.
   */
  behind: 14,
  /** Replication: how often the log was opened. */
  openings: 15,
  /** Replication: how many members decide. */
  majority: 20,
  /** Background: counters for status. */
  permissionRequests: 16,
  permissionsGranted: 17,
  slowSwitches: 18,
  suspicions: 19,
  falseSuspicions: 22,
  /** Per replica from here. Replication: `LaneOwner`. */
  lane: 32,
  /** Background: sequence number of the request that this replica granted last. */
  grant: 32 + REPLICAS_MAX,
  trusted: 32 + 2 * REPLICAS_MAX,
  score: 32 + 3 * REPLICAS_MAX,
  /** Background: 1 while the leader's recycling waits for this replica. */
  waitedFor: 32 + 4 * REPLICAS_MAX,
  /** Replication: 1 where the lane ends at a member. */
  voter: 32 + 5 * REPLICAS_MAX,
} as const;
const INT_COUNT = 32 + 6 * REPLICAS_MAX;

/** Doubles: one aligned store each, so a reader never sees half of one. */
const DOUBLES = {
  /** Replication. */
  applied: 0,
  known: 1,
  tail: 2,
  announced: 3,
  releasable: 4,
  scanned: 5,
  /** Where the log began when it was opened. */
  base: 6,
  /** Where the entry of the last applied change of the membership ends. */
  configured: 7,
  /** Background. */
  release: 8,
  head: 9,
  suspectedAtUs: 11,
  requestedAtUs: 12,
  suspected: 13,
  /** Replication: how far a replica is that gets our state; 0 = there is none. */
  pinned: 14,
  /** Per replica from here. */
  grantKnown: 16,
  grantHead: 16 + REPLICAS_MAX,
  peerApplied: 16 + 2 * REPLICAS_MAX,
  grantedAtUs: 16 + 3 * REPLICAS_MAX,
  peerHead: 16 + 4 * REPLICAS_MAX,
  /** Replication: the incarnation at the other end of each lane, and the one removed last. */
  connected: 16 + 5 * REPLICAS_MAX,
  removed: 16 + 6 * REPLICAS_MAX,
} as const;
const DOUBLE_COUNT = 16 + 7 * REPLICAS_MAX;

declare const kind: unique symbol;

/** Where a field stands; the two kinds are not to be mixed up. */
export type IntField = number & { readonly [kind]: 'int' };
export type DoubleField = number & { readonly [kind]: 'double' };

/**
 * The fields by name. Were it the methods below that took names, V8 would have seen so many of them there
 * that it looks each up anew, in every tick.
 */
export const Int = INTS as { readonly [Name in keyof typeof INTS]: IntField };
export const Double = DOUBLES as { readonly [Name in keyof typeof DOUBLES]: DoubleField };

/**
 * How far a replica is with its log: without a state, applying what others send of theirs, or open:
 * granted to a leader that writes it.
 */
export const LogPhase = { closed: 0, catchingUp: 1, open: 2 } as const;

/** Who may post on, cycle and re-request an outgoing lane: never both planes. */
export const LaneOwner = { background: 0, replication: 1 } as const;

/**
 * The memory through which the two planes of one replica know of each other.
 *
 * A permission epoch begins only while every lane belongs to the background plane: a work request
 * that was posted in an old epoch can then never slip into a new one.
 */
export class PlaneLink {
  readonly buffer: SharedArrayBuffer;
  readonly #ints: Int32Array;
  readonly #doubles: Float64Array;

  constructor(buffer = new SharedArrayBuffer(INT_COUNT * 4 + DOUBLE_COUNT * 8)) {
    this.buffer = buffer;
    this.#ints = new Int32Array(buffer, 0, INT_COUNT);
    this.#doubles = new Float64Array(buffer, INT_COUNT * 4, DOUBLE_COUNT);
    if (Atomics.load(this.#ints, Int.leader) === 0) Atomics.store(this.#ints, Int.leader, -1);
  }

  int(field: IntField, replica = 0): number {
    return Atomics.load(this.#ints, field + replica);
  }

  setInt(field: IntField, value: number, replica = 0): void {
    Atomics.store(this.#ints, field + replica, value);
  }

  count(field: IntField): void {
    Atomics.add(this.#ints, field, 1);
  }

  /** Whether another replica leads, as far as is known, and is trusted. */
  get isLed(): boolean {
    const leader = this.int(Int.leader);
    return leader >= 0 && this.int(Int.trusted, leader) === 1;
  }

  offset(field: DoubleField, replica = 0): LogOffset {
    return this.#doubles[field + replica] as LogOffset;
  }

  setOffset(field: DoubleField, value: number, replica = 0): void {
    this.#doubles[field + replica] = value;
  }

  /**
   * Whether no ring holds what this log misses. An opening that the background plane has not seen yet
   * has ended that.
   */
  get isBehind(): boolean {
    const behind = this.int(Int.behind);
    return behind !== 0 && behind === this.int(Int.openings);
  }

  /** Whether this log has a state, and goes on from what a leader writes to it. */
  get isOpen(): boolean {
    return this.int(Int.phase) === LogPhase.open && !this.isBehind;
  }

  /** Whether the incarnation at the end of a lane was a member and is none any more. */
  isRemoved(replica: number): boolean {
    const removed = this.offset(Double.removed, replica);
    return removed !== 0 && removed === this.offset(Double.connected, replica);
  }

  /** The replication plane lives: a plain store, for the hot path. */
  progressed(): void {
    this.#ints[Int.progress] = (this.#ints[Int.progress] + 1) | 0;
  }

  /** The replication plane's progress, after every poll. */
  publishProgress(applied: LogOffset, known: LogOffset, tail: LogOffset): void {
    const doubles = this.#doubles;
    doubles[Double.applied] = applied;
    doubles[Double.known] = known;
    doubles[Double.tail] = tail;
  }

  /** Wakes a replication plane that waits in `waitForWake`. */
  wakeReplication(): void {
    Atomics.add(this.#ints, Int.wake, 1);
    Atomics.notify(this.#ints, Int.wake);
  }

  /** Blocks the calling thread until the background plane wakes it; direct mode only. */
  waitForWake(seen: number, timeoutMs: number): void {
    Atomics.wait(this.#ints, Int.wake, seen, timeoutMs);
  }
}
