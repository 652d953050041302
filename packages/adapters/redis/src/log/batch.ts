import type { Protocol, ReplySink } from '../resp/reply.js';
import type { EntryCommand } from './entry-codec.js';

/** Takes the reply of one client command, or learns that there will be none. */
export interface CommandSink extends ReplySink {
  /** Not answered by redis-server: `error` instead, and with `close` the connection ends after it. */
  refuse(error: Buffer, close: boolean): void;
}

/** One step of a batch, in the order in which clients asked. */
export type BatchItem =
  /** Goes into the log; followers see only these. */
  | {
      readonly kind: 'write';
      readonly command: EntryCommand;
      readonly protocol: Protocol;
      readonly sink: CommandSink | undefined;
    }
  /** Asked of the leader's redis-server between the writes around it. */
  | {
      readonly kind: 'read';
      readonly db: number;
      readonly raw: Buffer;
      readonly protocol: Protocol;
      readonly sink: CommandSink;
    }
  /** Answered by the adapter in its turn. */
  | { readonly kind: 'answer'; readonly answer: () => Buffer; readonly sink: CommandSink };
