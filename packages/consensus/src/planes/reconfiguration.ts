import { EntryKind, type LogOffset } from '@mu-smr/log';
import { CHANGE_BYTES, writeChange, type MembershipChange } from '../core/configuration.ts';
import { majorityOf } from '../core/majority.ts';
import type { RemovalOutcome, ReplicaId } from '../propose-outcome.ts';
import type { FastPath } from './fast-path.ts';
import type { Membership } from './membership.ts';

const CHANGE = EntryKind.configuration | (1 << 8);

interface Removal {
  readonly id: ReplicaId;
  readonly settle: (outcome: RemovalOutcome) => void;
}

/**
 * Changes of the membership on a leader, one at a time: a learner whose log holds everything becomes
 * a member, after the dead incarnation of the same replica was removed; and a member is removed when
 * that is asked for. Nothing is posted behind a change before it is applied, because only then is it
 * known whose majority decides what comes next.
 */
export class Reconfiguration {
  readonly #self: ReplicaId;
  readonly #membership: Membership;
  readonly #fastPath: FastPath;
  readonly #staging: Uint8Array;
  readonly #applied: () => LogOffset;
  #removals: Removal[] = [];
  /** Where the posted change ends. */
  #end: LogOffset | undefined;

  constructor(
    self: ReplicaId,
    membership: Membership,
    fastPath: FastPath,
    staging: Uint8Array,
    applied: () => LogOffset,
  ) {
    this.#self = self;
    this.#membership = membership;
    this.#fastPath = fastPath;
    this.#staging = staging;
    this.#applied = applied;
  }

  /** A change is posted and not applied yet. */
  get pending(): boolean {
    if (this.#end !== undefined && this.#applied() >= this.#end) this.#end = undefined;
    return this.#end !== undefined;
  }

  /** Whether there is something to change. */
  get due(): boolean {
    return (
      this.pending ||
      this.#removals.length > 0 ||
      (this.#membership.learners > 0 && this.#joining() !== undefined)
    );
  }

  remove(id: ReplicaId, settle: (outcome: RemovalOutcome) => void): void {
    this.#removals.push({ id, settle });
  }

  /** Posts the next change when there is one; the caller rings the doorbell. */
  post(): boolean {
    if (this.pending) return false;
    this.#answer();
    const change = this.#removing() ?? this.#joining();
    if (change === undefined || !this.#fastPath.room(CHANGE_BYTES)) return false;
    writeChange(this.#staging, this.#fastPath.stage(CHANGE_BYTES), change);
    this.#fastPath.post(CHANGE, CHANGE_BYTES);
    this.#end = this.#fastPath.tail;
    return true;
  }

  /** What was posted cannot be told any more; what was not, is not done. */
  endEpoch(outcome: RemovalOutcome): void {
    const removals = this.#removals.splice(0);
    if (this.pending) removals.shift()?.settle({ kind: 'unknown', reason: 'lostPermission' });
    this.#end = undefined;
    for (const { settle } of removals) settle(outcome);
  }

  /** Answers whoever asked for what is so by now, or cannot be. */
  #answer(): void {
    this.#removals = this.#removals.filter(({ id, settle }) => {
      const outcome = this.#outcome(id);
      if (outcome !== undefined) settle(outcome);
      return outcome === undefined;
    });
  }

  #outcome(id: ReplicaId): RemovalOutcome | undefined {
    if (this.#membership.member(id) === 0) return { kind: 'removed' };
    if (id === this.#self) return { kind: 'rejected', reason: 'leads' };
    return this.#bearable(id) ? undefined : { kind: 'rejected', reason: 'noMajority' };
  }

  /** Whether those that are confirmed are a majority without this member, too. */
  #bearable(id: ReplicaId): boolean {
    const { active } = this.#fastPath;
    const { voters, size } = this.#membership;
    const votes = active.filter(({ to }) => to !== id && voters[to] === 1).length;
    return votes >= majorityOf(size - 1);
  }

  #removing(): MembershipChange | undefined {
    const first = this.#removals.at(0);
    if (first === undefined) return undefined;
    return { kind: 'remove', id: first.id, incarnation: this.#membership.member(first.id) };
  }

  /** A learner that is confirmed holds everything there is. */
  #joining(): MembershipChange | undefined {
    const membership = this.#membership;
    for (const { to: id } of this.#fastPath.active) {
      if (!membership.isLearner(id)) continue;
      const before = membership.member(id);
      if (before === 0) return { kind: 'add', id, incarnation: membership.at(id) };
      if (this.#bearable(id)) return { kind: 'remove', id, incarnation: before };
    }
    return undefined;
  }
}
