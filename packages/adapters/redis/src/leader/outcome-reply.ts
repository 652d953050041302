import type { LocalReadOutcome, NotLeader, Rejected, Unknown } from '@mu-smr/consensus';
import { errorReply } from '../resp/reply.js';

type NoLocalRead = Extract<LocalReadOutcome, { readonly kind: 'rejected' }>;

/** The outcome of a proposal whose promise broke. */
export const UNKNOWN: Unknown = { kind: 'unknown', reason: 'closed' };

/**
 * What a client is told of a command that was not decided.
 *
 * READONLY is what Redis itself answers after a fail-over: clients know to reconnect and retry, which
 * is safe because the command was certainly not executed. TIMEOUT is followed by the connection's end.
 */
export function errorOf(outcome: NotLeader | Rejected | Unknown | NoLocalRead): Buffer {
  if (outcome.kind === 'unknown') return errorReply('TIMEOUT outcome unknown');
  if (outcome.kind === 'notLeader') {
    return outcome.leader === undefined ? NO_LEADER : errorReply(`READONLY ${MOVED_AWAY}`);
  }
  switch (outcome.reason) {
    case 'tooLarge':
      return errorReply('ERR command exceeds the log entry limit');
    case 'overloaded':
      return errorReply('TRYAGAIN the replica is overloaded; the command was not executed');
    default:
      return errorReply(`TRYAGAIN the command was not executed (${outcome.reason})`);
  }
}

export const NO_LEADER = errorReply('CLUSTERDOWN No Mu leader');
const MOVED_AWAY =
  'this replica no longer leads; the command was not executed, reconnect and retry';
