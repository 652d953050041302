import type { CommandSink } from '../log/batch.js';
import type { CommandSpec } from '../commands/table.js';
import type { Protocol } from '../resp/reply.js';
import type { Request } from '../resp/request.js';

/** One client command that needs the log, or a proof of leadership, or its turn among those. */
export interface Submission {
  readonly kind: 'command';
  readonly spec: CommandSpec;
  readonly request: Request;
  readonly db: number;
  readonly protocol: Protocol;
  readonly sink: CommandSink;
  /** Answers in place of redis-server, when the command's turn has come. */
  readonly answer: (() => Buffer) | undefined;
}

/** Commands of one MULTI: one log entry, nothing between them. */
export interface Transaction {
  readonly kind: 'transaction';
  readonly parts: readonly Submission[];
}

export type Unit = Submission | Transaction;

export function partsOf(unit: Unit): readonly Submission[] {
  return unit.kind === 'command' ? [unit] : unit.parts;
}
