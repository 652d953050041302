import type { TimelineStep } from '@mu-smr/consensus';

/**
 * Notes a step behind those of the same take-over. Another take-over begins with a suspicion, or with a
 * request where nobody was suspected: then leadership was handed over.
 */
export function noteStep(steps: TimelineStep[], step: TimelineStep): void {
  const suspected = steps.at(-1)?.kind === 'suspected';
  if (step.kind === 'suspected' || (step.kind === 'requested' && !suspected)) steps.length = 0;
  steps.push(step);
}
