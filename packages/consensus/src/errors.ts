/** Why a replica refuses, or cannot go on. */
export type ConsensusErrorCode =
  | 'BAD_OPTIONS'
  | 'CONFIG_MISMATCH'
  | 'PEER_MISSING'
  | 'RENDEZVOUS_FAILED'
  | 'NOT_AUTHENTICATED'
  | 'APPLY_FAILED'
  | 'STATE_TRANSFER'
  | 'REMOVED'
  | 'BACKGROUND_FAILED'
  | 'METRICS_PORT'
  | 'CLOSED';

/** A refusal with a code; expected outcomes of proposals are values instead. */
export class ConsensusError extends Error {
  override readonly name = 'ConsensusError';
  readonly code: ConsensusErrorCode;

  constructor(code: ConsensusErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
