import { CompletionEntry, Ring, WriteNow } from '../../ring-layout.ts';
import { WorkCompletionStatus } from '../../work-completion.ts';
import type { SimCompletionQueue } from './sim-completion-queue.ts';

/**
 * Takes in the oldest completions, as long as they are of a ring's write to several targets or of earlier
 * ones to these. What was found, as `Backend.writeNow` returns it. Virtual time does not pass meanwhile,
 * so there is nothing to wait for.
 */
export function takeInWrites(now: Uint32Array, { words, depth }: SimCompletionQueue): number {
  for (let n = 0; n < now[WriteNow.count]; n++)
    now[WriteNow.targets + n * WriteNow.targetWords + WriteNow.earlier] = 0;
  let found = 0;
  while (words[Ring.consumer] !== words[Ring.producer]) {
    const at = Ring.entries + (words[Ring.consumer] & (depth - 1)) * CompletionEntry.words;
    const completion = words.subarray(at, at + CompletionEntry.words);
    const n = targetOf(now, completion);
    if (n === undefined) break;
    const idLow = completion[CompletionEntry.workRequestIdLow];
    if (idLow === now[WriteNow.workRequestIdLow]) {
      found |= 1 << n;
    } else {
      const target = WriteNow.targets + n * WriteNow.targetWords;
      now[target + WriteNow.earlier]++;
      now[target + WriteNow.earlierIdLow] = idLow;
      found |= 1 << (n + WriteNow.targetsMax);
    }
    words[Ring.consumer]++;
  }
  return found >>> 0;
}

/** Which target a completion is of that tells of one successful write to it, and of nothing else. */
function targetOf(now: Uint32Array, completion: Uint32Array): number | undefined {
  if (completion[CompletionEntry.status] !== WorkCompletionStatus.success) return undefined;
  if (completion[CompletionEntry.retired] !== 1) return undefined;
  for (let n = 0; n < now[WriteNow.count]; n++) {
    const target = WriteNow.targets + n * WriteNow.targetWords;
    const same =
      now[target] === completion[CompletionEntry.queuePair] &&
      now[target + 2] === completion[CompletionEntry.workRequestIdHigh];
    if (same) return n;
  }
  return undefined;
}
