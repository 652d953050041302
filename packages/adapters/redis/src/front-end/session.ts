import type { Protocol } from '../resp/reply.js';
import type { OpenTransaction } from './transaction.js';

/** What a connection has set for the commands to come. */
export interface Session {
  readonly id: number;
  readonly address: string;
  readonly localAddress: string;
  readonly connectedAtMs: number;
  db: number;
  protocol: Protocol;
  name: string;
  lastCommand: string;
  /** READONLY: where this replica follows, it answers reads by itself. */
  readonly: boolean;
  transaction: OpenTransaction | undefined;
}

/** What RESET restores, except for the transaction, which has its own end. */
export function resetSession(session: Session): void {
  session.db = 0;
  session.protocol = 2;
  session.name = '';
  session.readonly = false;
  session.transaction = undefined;
}
