import type { CommandSink } from '../log/batch.js';
import type { CommandSpec } from '../commands/table.js';
import type { Request } from '../resp/request.js';
import { arrayReply } from '../resp/reply.js';

interface QueuedCommand {
  readonly spec: CommandSpec;
  readonly request: Request;
  readonly db: number;
}

/** Commands queued since MULTI. */
export class OpenTransaction {
  readonly queued: QueuedCommand[] = [];
  /** The database the commands to come will run in, and the connection's after EXEC. */
  db: number;
  /** A command was refused when it was queued, so EXEC must fail. */
  aborted = false;
  #bytes = 0;

  constructor(db: number) {
    this.db = db;
  }

  /** False where the whole would not fit one log entry. */
  queue(command: QueuedCommand, bytesMax: number): boolean {
    this.#bytes += command.request.raw.length + PER_COMMAND_BYTES;
    if (this.#bytes > bytesMax) return false;
    this.queued.push(command);
    return true;
  }
}

/** Joins the replies of a transaction's commands to EXEC's. */
export class ReplyCollector {
  readonly #replies: Buffer[];
  readonly #sink: CommandSink;
  #missing: number;

  constructor(count: number, sink: CommandSink) {
    this.#replies = new Array<Buffer>(count);
    this.#missing = count;
    this.#sink = sink;
  }

  part(index: number): CommandSink {
    return {
      reply: (bytes) => {
        this.#replies[index] = bytes;
        if (--this.#missing === 0) this.#sink.reply(arrayReply(this.#replies));
      },
      refuse: (error, close) => this.#sink.refuse(error, close),
    };
  }
}

/** What a command takes in a log entry beside its bytes, with room for what we add to it. */
const PER_COMMAND_BYTES = 16;
