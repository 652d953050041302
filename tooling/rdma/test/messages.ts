import type { ReplicaCounters } from '../../../packages/consensus/src/index.ts';

export interface Start {
  readonly id: number;
  readonly replicas: number;
  readonly device: string;
  /** Where each replica is met. */
  readonly ports: readonly number[];
}

/** What a test asks of a replica's process. */
export type Asked =
  | ({ readonly action: 'start' } & Start)
  | {
      readonly action: 'propose';
      readonly commands: readonly string[];
      readonly concurrency: number;
    }
  | { readonly action: 'report' }
  /** Which of these commands it has not applied. */
  | { readonly action: 'missing'; readonly commands: readonly string[] }
  | { readonly action: 'close' };

export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** Commands by how they ended. */
export interface Proposed {
  readonly decided: string[];
  readonly unknown: string[];
  readonly notDone: string[];
  /** The longest that a decided one took. */
  longestMs: number;
}

export interface StateReport {
  readonly role: 'leader' | 'follower';
  readonly votes: boolean;
  readonly applied: number;
  readonly confirmedFollowers: readonly number[];
  readonly counters: ReplicaCounters;
  readonly scheduling: string;
  readonly trusted: readonly number[];
  /** Digest of all applied commands in their order. */
  readonly order: string;
  readonly distinct: number;
  /** Commands that were applied more than once. */
  readonly twice: readonly string[];
}
