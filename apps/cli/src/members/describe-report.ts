import type { ChangeProgress } from './change.ts';

/** A sentence for people. */
export function describeReport({ id, phase, receivedBytes }: ChangeProgress): string {
  const received = receivedBytes === 0 ? '' : ` (${receivedBytes} bytes)`;
  const sentences = {
    starting: 'starts',
    receiving: `is given the state${received}`,
    catchingUp: `has the state${received}, and catches up`,
    waiting: 'holds everything, and waits for its vote',
    member: 'votes',
    leaving: 'is being removed',
    removed: 'is no member any more',
    gone: 'has ended',
  } as const;
  return `replica ${id} ${sentences[phase]}`;
}
