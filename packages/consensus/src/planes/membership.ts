import type { LogOffset } from '@mu-smr/log';
import {
  Configuration,
  type ConfigurationRecord,
  type Incarnation,
  type MembershipChange,
} from '../core/configuration.ts';
import { REPLICAS_MAX } from '../core/proposal-number.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import { Double, Int, type PlaneLink } from './plane-link.ts';

/** What a quorum is, as the fast path asks it. */
export interface Quorum {
  /** By id: 1 for a replica whose word counts. */
  readonly voters: Uint8Array;
  readonly majority: number;
}

/**
 * The configuration that this replica has applied, and which of the replicas at the other ends of its
 * lanes are the very members that it names. The background plane reads it through the link.
 */
export class Membership implements Quorum {
  readonly voters = new Uint8Array(REPLICAS_MAX);
  majority = REPLICAS_MAX;
  /** Where the entry of the last applied change ends; -1 without a configuration. */
  since = -1;
  /** How many learners are connected. */
  learners = 0;
  readonly #self: ReplicaId;
  readonly #link: PlaneLink;
  #configuration: Configuration | undefined;

  /** A replica begins without a configuration, so without a vote. */
  constructor(self: ReplicaId, incarnation: Incarnation, link: PlaneLink) {
    this.#self = self;
    this.#link = link;
    link.setOffset(Double.connected, incarnation, self);
  }

  /** What the group has agreed on, by all that is applied here. */
  begin(record: ConfigurationRecord): void {
    this.#configuration = new Configuration(record);
    this.#refresh();
  }

  /** A change was applied; its entry ends at `end`. */
  apply(change: MembershipChange, end: LogOffset): void {
    this.#configuration?.apply(change, end);
    this.#refresh();
  }

  /** At the other end of a lane is now this incarnation; 0 = nobody. */
  connected(id: ReplicaId, incarnation: Incarnation): void {
    this.#link.setOffset(Double.connected, incarnation, id);
    this.#refresh();
  }

  get record(): ConfigurationRecord | undefined {
    return this.#configuration?.record();
  }

  /** The incarnation that is a member under this id; 0 = none. */
  member(id: ReplicaId): Incarnation {
    return this.#configuration?.members[id] ?? 0;
  }

  /** The incarnation at the other end of the lane. */
  at(id: ReplicaId): Incarnation {
    return this.#link.offset(Double.connected, id);
  }

  isVoter(id: ReplicaId): boolean {
    return this.voters[id] === 1;
  }

  /** Connected, and neither a member nor one that was removed: it may become a member. */
  isLearner(id: ReplicaId): boolean {
    const incarnation = this.at(id);
    return (
      incarnation !== 0 && !this.isVoter(id) && this.#configuration?.removed[id] !== incarnation
    );
  }

  /** How many members there are. */
  get size(): number {
    return this.#configuration?.size ?? 0;
  }

  /** Whether this very replica was a member and is none any more. */
  get removed(): boolean {
    return this.#configuration?.removed[this.#self] === this.at(this.#self);
  }

  #refresh(): void {
    const configuration = this.#configuration;
    if (configuration === undefined) return;
    const link = this.#link;
    for (let id = 0; id < REPLICAS_MAX; id++) {
      const member = configuration.members[id];
      this.voters[id] = member !== 0 && member === this.at(id) ? 1 : 0;
      link.setOffset(Double.removed, configuration.removed[id], id);
      link.setInt(Int.voter, this.voters[id], id);
    }
    this.majority = configuration.majority;
    this.since = configuration.since;
    link.setInt(Int.majority, this.majority);
    this.learners = 0;
    for (let id = 0; id < REPLICAS_MAX; id++) if (this.isLearner(id)) this.learners++;
    link.setOffset(Double.configured, configuration.since);
  }
}
