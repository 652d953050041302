import { strict as assert } from 'node:assert';
import type { LogOffset } from '@mu-smr/log';

/** The smallest number of `replicas` that any two such sets share a member of. */
export function majorityOf(replicas: number): number {
  assert(Number.isInteger(replicas) && replicas > 0, 'a group has at least one replica');
  return Math.floor(replicas / 2) + 1;
}

/**
 * The highest offset that a majority has acknowledged: everything below it is decided.
 *
 * `acknowledged` holds one offset per replica, of which those count that are marked in `voters`;
 * acknowledgements are cumulative, because writes on one queue pair take effect in order.
 */
export function quorumOffset(
  acknowledged: Float64Array,
  voters: Uint8Array,
  majority: number,
): LogOffset {
  const count = acknowledged.length;
  let highest = 0;
  // Groups are small: counting for each candidate beats sorting, and allocates nothing.
  for (let candidate = 0; candidate < count; candidate++) {
    const offset = acknowledged[candidate];
    if (offset <= highest || voters[candidate] === 0) continue;
    let missing = majority;
    for (let other = 0; other < count && missing > 0; other++)
      if (voters[other] === 1 && acknowledged[other] >= offset) missing--;
    if (missing === 0) highest = offset;
  }
  return highest as LogOffset;
}
