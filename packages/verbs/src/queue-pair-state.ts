/** States of a queue pair: the part of `enum ibv_qp_state` that RC needs (ibv_modify_qp(3)). */
export const QueuePairState = {
  reset: 0,
  init: 1,
  readyToReceive: 2,
  readyToSend: 3,
  error: 6,
} as const;

/** Name of a state, e.g. `readyToSend`. */
export type QueuePairStateName = keyof typeof QueuePairState;

const BY_NUMBER = new Map<number, QueuePairStateName>(
  Object.entries(QueuePairState).map(([name, value]) => [value, name as QueuePairStateName]),
);

/** The name of a state number as the provider reports it. */
export function queuePairStateName(state: number): QueuePairStateName {
  const name = BY_NUMBER.get(state);
  if (name === undefined) throw new RangeError(`no such queue pair state: ${state}`);
  return name;
}

const FORWARD: Readonly<Record<QueuePairStateName, readonly QueuePairStateName[]>> = {
  reset: ['init'],
  init: ['init', 'readyToReceive'],
  readyToReceive: ['readyToSend'],
  // RTS→RTS is how access flags are changed on a working queue pair.
  readyToSend: ['readyToSend'],
  error: [],
};

/** Whether `ibv_modify_qp` allows the step; RESET and ERR can be entered from everywhere. */
export function transitionAllowed(from: QueuePairStateName, to: QueuePairStateName): boolean {
  return to === 'reset' || to === 'error' || FORWARD[from].includes(to);
}
