import type { LogOffset } from '@mu-smr/log';
import type { ReplicaId } from '../propose-outcome.ts';
import { majorityOf } from './majority.ts';
import { REPLICAS_MAX } from './proposal-number.ts';

/**
 * One life of a replica: a number that no other life of any replica has. A replica that restarts has
 * lost its memory, and what its last life promised and accepted: it is another one. 0 = none.
 */
export type Incarnation = number;

/** One change of the membership, as an entry of the log carries it. */
export interface MembershipChange {
  readonly kind: 'add' | 'remove';
  readonly id: ReplicaId;
  readonly incarnation: Incarnation;
}

/** Bytes of a change as payload of an entry. */
export const CHANGE_BYTES = 16;

/** The membership as plain data: for the rendezvous and for snapshots. */
export interface ConfigurationRecord {
  /** Members' incarnations by id; 0 = no member. */
  readonly members: readonly Incarnation[];
  /** The incarnation that was removed last, by id; 0 = none. */
  readonly removed: readonly Incarnation[];
  /** Where the entry of the last change ends; 0 = the group has what it began with. */
  readonly since: LogOffset;
}

/**
 * Who votes at one point of the log: a function of the decided entries below it, so every offset has
 * one configuration, whoever decides it. A leader posts nothing behind a change before it has applied
 * that change, and each offset is decided by a majority of its own configuration: safe as each is by
 * itself. Changes come one at a time, so that quorums of consecutive ones intersect, too (I17).
 */
export class Configuration {
  readonly members: Float64Array;
  readonly removed: Float64Array;
  since: LogOffset;

  constructor({ members, removed, since }: ConfigurationRecord) {
    this.members = Float64Array.from({ length: REPLICAS_MAX }, (_, id) => members[id] ?? 0);
    this.removed = Float64Array.from({ length: REPLICAS_MAX }, (_, id) => removed[id] ?? 0);
    this.since = since;
  }

  /** A group's first configuration. */
  static initial(incarnations: readonly Incarnation[]): ConfigurationRecord {
    return { members: incarnations, removed: [], since: 0 as LogOffset };
  }

  get size(): number {
    return this.members.reduce((count, member) => (member === 0 ? count : count + 1), 0);
  }

  get majority(): number {
    return majorityOf(Math.max(1, this.size));
  }

  /**
   * Applies the change whose entry ends at `end`. One that fits no longer (a member added twice, or
   * removed after it was replaced) changes nothing, at every replica alike.
   */
  apply({ kind, id, incarnation }: MembershipChange, end: LogOffset): void {
    if (kind === 'add' && this.members[id] === 0 && this.removed[id] !== incarnation)
      this.members[id] = incarnation;
    else if (kind === 'remove' && this.members[id] === incarnation) {
      this.members[id] = 0;
      this.removed[id] = incarnation;
    } else return;
    this.since = end;
  }

  record(): ConfigurationRecord {
    return { members: [...this.members], removed: [...this.removed], since: this.since };
  }
}

/** Stores a change at byte `at`: kind and id, then the incarnation as a double. */
export function writeChange(bytes: Uint8Array, at: number, change: MembershipChange): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, CHANGE_BYTES);
  view.setUint32(0, change.kind === 'add' ? 1 : 2, true);
  view.setUint32(4, change.id, true);
  view.setFloat64(8, change.incarnation, true);
}

export function readChange(bytes: Uint8Array, at: number): MembershipChange {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, CHANGE_BYTES);
  return {
    kind: view.getUint32(0, true) === 1 ? 'add' : 'remove',
    id: view.getUint32(4, true),
    incarnation: view.getFloat64(8, true),
  };
}
