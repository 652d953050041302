import type { Checker } from './checkers.ts';
import { Acceptance } from './checkers/acceptance.ts';
import { AppliedPrefix } from './checkers/applied-prefix.ts';
import { Capacity } from './checkers/capacity.ts';
import { ConfirmedFollowers } from './checkers/confirmed-followers.ts';
import { Durability } from './checkers/durability.ts';
import { Digests } from './checkers/digests.ts';
import { ExactlyOnce } from './checkers/exactly-once.ts';
import { Integrity } from './checkers/integrity.ts';
import { KnownOffsets } from './checkers/known-offsets.ts';
import { NoWriteAfterRevoke } from './checkers/no-write-after-revoke.ts';
import { Outcomes } from './checkers/outcomes.ts';
import { PermissionErrors } from './checkers/permission-errors.ts';
import { ProposalNumbers } from './checkers/proposal-numbers.ts';
import { Reads } from './checkers/reads.ts';
import { RemovedGrants } from './checkers/removed-grants.ts';
import { Released } from './checkers/released.ts';
import { SingleWriter } from './checkers/single-writer.ts';
import { ValueChoice } from './checkers/value-choice.ts';
import type { ClusterOptions } from './cluster-options.ts';
import type { SimReplica } from './sim-replica.ts';

/** One run's checkers, and what a run asks them. */
export interface AllCheckers {
  readonly list: readonly Checker[];
  readonly truth: Acceptance;
  readonly durability: Durability;
}

/** Makes a checker for every invariant; `replicas` is asked once they exist. */
export function makeCheckers(
  { replicas: count, geometry }: ClusterOptions,
  replicas: () => readonly SimReplica[],
): AllCheckers {
  const truth = new Acceptance(count, geometry);
  const durability = new Durability(replicas);
  const list = [
    new SingleWriter(replicas),
    new NoWriteAfterRevoke(),
    truth,
    new ExactlyOnce(),
    new Outcomes(truth),
    new ValueChoice(truth, geometry, replicas),
    new ProposalNumbers(),
    new ConfirmedFollowers(truth),
    new KnownOffsets(truth),
    new AppliedPrefix(),
    new Digests(replicas),
    durability,
    new Reads(),
    new Integrity(truth, geometry),
    new Capacity(truth, geometry, replicas),
    new Released(truth),
    new PermissionErrors(),
    new RemovedGrants(),
  ];
  return { list, truth, durability };
}
