import { displayName, findCommand, onlyReads, type CommandSpec } from '../commands/table.js';
import type { CommandPipeline } from '../leader/command-pipeline.js';
import type { CommandSink } from '../log/batch.js';
import { partsOf, type Submission, type Unit } from '../leader/submission.js';
import { arrayReply, errorReply, OK, QUEUED } from '../resp/reply.js';
import type { Request } from '../resp/request.js';
import { answerConnection, type ConnectionContext } from './connection-commands.js';
import type { GroupView } from './group-view.js';
import { isAboutReplica, type LocalReads } from './local-reads.js';
import type { ReplyQueue } from './reply-queue.js';
import type { Session } from './session.js';
import { OpenTransaction, ReplyCollector } from './transaction.js';

export interface DispatcherOptions {
  readonly pipeline: CommandPipeline;
  readonly localReads: LocalReads;
  readonly group: GroupView;
  readonly context: ConnectionContext;
  /** Longest command that fits a log entry. */
  readonly commandBytesMax: number;
}

/** Decides for each request of a client who answers it: we, the log, or the leader's redis-server. */
export class CommandDispatcher {
  readonly #options: DispatcherOptions;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  dispatch(request: Request, session: Session, replies: ReplyQueue): void {
    if (SECURITY_WARNING.test(request.text(0))) return replies.end();
    const spec = findCommand(request);
    if (typeof spec === 'string') return refuse(spec, session, replies);
    session.lastCommand = spec.name;
    const refusal = refusalOf(spec, request, session) ?? this.#refuseWrite(spec, session);
    if (refusal !== undefined) return refuse(refusal, session, replies);
    if (request.raw.length > this.#options.commandBytesMax) {
      return refuse(this.tooLarge(), session, replies);
    }
    if (spec.name === 'quit') return replies.answer(OK, true);
    if (spec.treatment === 'transaction') return this.#transact(spec, session, replies);
    if (session.transaction !== undefined && spec.name !== 'reset') {
      return this.#queue(spec, request, session, session.transaction, replies);
    }
    if (spec.treatment === 'connection') {
      return replies.answer(answerConnection(spec, request, session, this.#options.context));
    }
    const sink = this.#sinkFor(spec, request, session, replies.open());
    this.#run(this.#submission(spec, request, session, session.db, sink), session);
  }

  /** Whether a client of a follower need not be passed on to the leader for this. */
  answersHere(request: Request, session: Session): boolean {
    const spec = findCommand(request);
    // What no replica knows or supports is refused by each alike.
    if (session.readonly || typeof spec === 'string') return true;
    return spec.treatment === 'connection' || spec.treatment === 'refused' || isAboutReplica(spec);
  }

  /** The error for a command that no log entry can carry. */
  tooLarge(): string {
    return `ERR command exceeds the log entry limit of ${this.#options.commandBytesMax} bytes`;
  }

  #refuseWrite(spec: CommandSpec, session: Session): string | undefined {
    const writable = !session.readonly || this.#options.context.isLeader || onlyReads(spec);
    return writable ? undefined : "READONLY You can't write against a read only replica.";
  }

  /** On a leader READONLY changes nothing: its reads see the writes before them. */
  #run(unit: Unit, session: Session): void {
    const { pipeline, localReads, context } = this.#options;
    const canLocal = session.readonly ? onlyReads : isAboutReplica;
    // A transaction may have been begun in the other mode, or on a leader.
    const local = !context.isLeader && partsOf(unit).every(({ spec }) => canLocal(spec));
    if (local) localReads.run(unit);
    else pipeline.submit(unit);
  }

  #transact(spec: CommandSpec, session: Session, replies: ReplyQueue): void {
    const { transaction } = session;
    if (spec.name === 'multi') {
      if (transaction !== undefined) return replies.answer(NESTED);
      session.transaction = new OpenTransaction(session.db);
      return replies.answer(OK);
    }
    if (transaction === undefined) {
      return replies.answer(errorReply(`ERR ${displayName(spec)} without MULTI`));
    }
    session.transaction = undefined;
    if (spec.name === 'discard') return replies.answer(OK);
    if (transaction.aborted) return replies.answer(EXEC_ABORT);
    session.db = transaction.db;
    if (transaction.queued.length === 0) return replies.answer(arrayReply([]));
    const collector = new ReplyCollector(transaction.queued.length, replies.open());
    const parts = transaction.queued.map(({ spec: each, request, db }, index) => {
      const sink = this.#sinkFor(each, request, session, collector.part(index));
      return this.#submission(each, request, session, db, sink);
    });
    this.#run({ kind: 'transaction', parts }, session);
  }

  #queue(
    spec: CommandSpec,
    request: Request,
    session: Session,
    transaction: OpenTransaction,
    replies: ReplyQueue,
  ): void {
    const queued = { spec, request, db: transaction.db };
    if (!transaction.queue(queued, this.#options.commandBytesMax)) {
      return refuse(this.tooLarge(), session, replies);
    }
    replies.answer(QUEUED);
    if (spec.name !== 'select') return;
    // Commands behind it run in the database it selects, should it be one.
    const selected = Number(request.text(1));
    if (selected >= 0 && selected < this.#options.context.databaseCount) transaction.db = selected;
  }

  // One literal, so that all submissions share a shape: this runs for every command.
  #submission(
    spec: CommandSpec,
    request: Request,
    session: Session,
    db: number,
    sink: CommandSink,
  ): Submission {
    const answer = this.#answerOf(spec, request, session);
    const { protocol } = session;
    return { kind: 'command', spec, request, db, protocol, sink, answer };
  }

  #sinkFor(spec: CommandSpec, request: Request, session: Session, sink: CommandSink): CommandSink {
    if (spec.name !== 'info') return sink;
    return this.#options.group.infoSink(request, session.protocol, sink);
  }

  #answerOf(spec: CommandSpec, request: Request, session: Session): (() => Buffer) | undefined {
    const { group, context } = this.#options;
    if (spec.treatment === 'connection') {
      return () => answerConnection(spec, request, session, context);
    }
    if (spec.name === 'wait') return () => group.wait();
    if (spec.name === 'role') return () => group.role();
    return undefined;
  }
}

/** An error at queueing time dooms the transaction, as in Redis. */
function refuse(text: string, session: Session, replies: ReplyQueue): void {
  if (session.transaction !== undefined) session.transaction.aborted = true;
  replies.answer(errorReply(text));
}

function refusalOf(spec: CommandSpec, request: Request, session: Session): string | undefined {
  if (spec.name === 'config|set') return 'ERR CONFIG parameter is managed by the replicator';
  if (spec.treatment === 'refused') return `ERR ${displayName(spec)} is not supported by mu-redis`;
  if (session.transaction !== undefined && REFUSED_IN_MULTI.has(spec.name)) {
    return `ERR ${displayName(spec)} inside MULTI is not supported by mu-redis`;
  }
  if (spec.name === 'wait') return waitError(request);
  if (spec.name === 'xread' && hasOption(request, 'BLOCK')) {
    return 'ERR XREAD with BLOCK is not supported by mu-redis';
  }
  return undefined;
}

function waitError(request: Request): string | undefined {
  if (!/^-?\d{1,18}$/.test(request.text(1))) return 'ERR value is not an integer or out of range';
  if (!/^-?\d{1,18}$/.test(request.text(2))) return 'ERR timeout is not an integer or out of range';
  return request.text(2).startsWith('-') ? 'ERR timeout is negative' : undefined;
}

/** Whether a word stands among the options of XREAD, that is before STREAMS. */
function hasOption(request: Request, option: string): boolean {
  for (let index = 1; index < request.argc; index++) {
    const word = request.text(index).toUpperCase();
    if (word === 'STREAMS') return false;
    if (word === option) return true;
  }
  return false;
}

const SECURITY_WARNING = /^(?:host:|post)$/i;
const REFUSED_IN_MULTI: ReadonlySet<string> = new Set(['spop', 'hello']);
const NESTED = errorReply('ERR MULTI calls can not be nested');
const EXEC_ABORT = errorReply('EXECABORT Transaction discarded because of previous errors.');
