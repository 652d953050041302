import { describe, expect, it } from 'vitest';
import {
  QueuePairState,
  queuePairStateName,
  transitionAllowed,
  type QueuePairStateName,
} from '../src/queue-pair-state.ts';

// ibv_modify_qp(3): the RC rows of the state table; a queue pair may always go to RESET and to ERR.
const ALLOWED: Record<QueuePairStateName, QueuePairStateName[]> = {
  reset: ['reset', 'init', 'error'],
  init: ['reset', 'init', 'readyToReceive', 'error'],
  readyToReceive: ['reset', 'readyToSend', 'error'],
  readyToSend: ['reset', 'readyToSend', 'error'],
  error: ['reset', 'error'],
};
const STATES = Object.keys(ALLOWED) as QueuePairStateName[];

describe('queue pair states', () => {
  for (const from of STATES)
    for (const to of STATES) {
      const allowed = ALLOWED[from].includes(to);
      it(`${allowed ? 'allows' : 'refuses'} ${from} to ${to}`, () => {
        expect(transitionAllowed(from, to)).toBe(allowed);
      });
    }

  it('has the numbers of enum ibv_qp_state', () => {
    expect(QueuePairState).toEqual({
      reset: 0,
      init: 1,
      readyToReceive: 2,
      readyToSend: 3,
      error: 6,
    });
    for (const state of STATES) expect(queuePairStateName(QueuePairState[state])).toBe(state);
  });

  it('refuses numbers that are no state of ours', () => {
    for (const state of [-1, 4, 5, 7]) expect(() => queuePairStateName(state)).toThrow(RangeError);
  });
});
