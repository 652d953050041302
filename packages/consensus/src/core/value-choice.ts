import { strict as assert } from 'node:assert';
import type { ProposalNumber } from '@mu-smr/log';

/** What a new leader saw of one slot at one confirmed follower. */
export type ObservedSlot =
  { readonly kind: 'empty' } | { readonly kind: 'accepted'; readonly proposal: ProposalNumber };

/**
 * Picks whose value a new leader must write into one slot: the index into `observed`, or `undefined`
 * when it is free to write its own.
 *
 * A value seen by any confirmed follower may already be decided, so the accepted value with the
 * highest proposal wins (I5). Only an all-empty read leaves us free. A slot that was cut off in the
 * middle of its write counts as empty: its writer never saw that follower's acknowledgement, and what
 * stood there before, if anything did, has been put back from the undo slot.
 */
export function chooseValue(observed: readonly ObservedSlot[]): number | undefined {
  assert(observed.length > 0, 'a quorum read returned no slots');
  let winner: number | undefined;
  let highest = -1;
  for (const [index, slot] of observed.entries()) {
    if (slot.kind === 'empty' || slot.proposal <= highest) continue;
    winner = index;
    highest = slot.proposal;
  }
  return winner;
}

/**
 * Whether a slot is decided as it stands: all that were read, so a majority, have accepted it under one
 * proposal number, and a number has one value.
 */
export function isDecided(observed: readonly ObservedSlot[]): boolean {
  const [first] = observed;
  if (first.kind === 'empty') return false;
  return observed.every((slot) => slot.kind === 'accepted' && slot.proposal === first.proposal);
}
