import { strict as assert } from 'node:assert';
import type { ProposalNumber } from '@mu-smr/log';
import type { ReplicaId } from '../propose-outcome.ts';

/** Most replicas a group can have, and the factor that keeps proposal numbers unique. */
export const REPLICAS_MAX = 16;

/**
 * The smallest proposal number of `replica` above everything that was seen.
 *
 * Numbers are congruent to their replica's id modulo `REPLICAS_MAX`, so no two replicas ever use the
 * same one; the caller passes every number it read, so its own never decrease (I6).
 */
export function nextProposal(replica: ReplicaId, highestSeen: ProposalNumber): ProposalNumber {
  assert(replica >= 0 && replica < REPLICAS_MAX, `replica id ${replica} out of range`);
  const round = Math.floor(highestSeen / REPLICAS_MAX) + 1;
  const next = round * REPLICAS_MAX + replica;
  assert(Number.isSafeInteger(next) && next > highestSeen, 'proposal numbers are exhausted');
  return next as ProposalNumber;
}
