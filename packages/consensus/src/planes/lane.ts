import type { MemoryRegion, QueuePair } from '@mu-smr/verbs';
import type { ReplicaId } from '../propose-outcome.ts';

/**
 * One replica's way to write the log of another, or its own: a queue pair on which only it posts.
 *
 * Lanes have one direction each, so that a deposed leader whose write is refused breaks its own lane
 * and not the one on which its successor writes to it.
 */
export interface Lane {
  readonly to: ReplicaId;
  readonly queuePair: QueuePair;
  /** Remote key of the log at the other end. */
  readonly logKey: number;
}

/** What a lane's work request was for: part of its work request id. */
export const LanePurpose = { entry: 0, round: 1, announce: 2, proof: 3, growth: 4 } as const;

/** High word of a work request id: which lane, what for, in which epoch. */
export function laneTag(lane: number, purpose: number, epoch: number): number {
  return ((epoch << 8) | (purpose << 4) | lane) >>> 0;
}

export function tagLane(tag: number): number {
  return tag & 0xf;
}

export function tagPurpose(tag: number): number {
  return (tag >>> 4) & 0xf;
}

/** Whether a completion belongs to `epoch`; those of older epochs count for nothing. */
export function tagIsOf(tag: number, epoch: number): boolean {
  return tag >>> 8 === (epoch & 0xff_ffff);
}

/** Memory of the replication plane besides the log. */
export interface ReplicationMemory {
  readonly log: MemoryRegion;
  /** Entries are composed here, and carried to every log from here. */
  readonly staging: MemoryRegion;
}
