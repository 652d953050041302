/**
 * Types of queue pairs: `enum ibv_qp_type` (ibv_create_qp(3)).
 *
 * - `RC`, reliable connected: one peer; everything but a lost connection arrives, in order, and the
 *   poster learns what became of it.
 * - `UC`, unreliable connected: one peer; writes and messages, in order, of which some may be lost. The
 *   poster learns that they were sent.
 * - `UD`, unreliable datagram: any number of peers; messages of up to one packet, of which some may be
 *   lost, or come in another order.
 */
export const QueuePairType = { RC: 2, UC: 3, UD: 4 } as const;

/** Name of a type of queue pairs. */
export type QueuePairTypeName = keyof typeof QueuePairType;
