import type { RedisBackend } from '../backend/redis-backend.js';
import { keysOf } from '../commands/keys.js';
import { commandSpecs, type CommandSpec } from '../commands/table.js';
import { RedisAdapterError } from '../errors.js';
import { parseInteger } from '../resp/integer.js';
import { errorReply, type ReplySink } from '../resp/reply.js';
import { Request } from '../resp/request.js';
import type { Deadlines } from '../ttl/deadlines.js';
import { GUARD_MS } from '../ttl/guard.js';
import { rewriteTtl } from '../ttl/rewrite.js';
import { rewriteStream } from '../ttl/stream-id.js';
import { decodeReply } from '../backend/command-reply.js';
import { EXPIRE_INDEX, type EntryCommand } from './entry-codec.js';

/**
 * Executes logged commands on the local redis-server, in the form every replica executes alike.
 *
 * What is sent depends on the log and on redis-server's state only: never on a local clock.
 */
export class WriteApplier {
  readonly #backend: RedisBackend;
  readonly #deadlines: Deadlines;
  #addedCount = 0;

  constructor(backend: RedisBackend, deadlines: Deadlines) {
    this.#backend = backend;
    this.#deadlines = deadlines;
  }

  apply(command: EntryCommand, nowMs: number, sink?: ReplySink): void {
    const { db, raw, specIndex } = command;
    if (specIndex === EXPIRE_INDEX) {
      const keys = Request.parse(raw);
      this.#check(
        db,
        Array.from({ length: keys.argc }, (_, index) => keys.arg(index)),
        nowMs,
      );
      return;
    }
    const spec = commandSpecs[specIndex];
    if (spec === undefined) throw new RedisAdapterError('ENTRY_CORRUPT', `no command ${specIndex}`);
    if (isPlain(spec, raw, this.#deadlines)) this.#backend.connection.send(db, raw, sink);
    else this.#applyWithClock(spec, Request.parse(raw), db, nowMs, sink);
  }

  #applyWithClock(
    spec: CommandSpec,
    request: Request,
    db: number,
    nowMs: number,
    sink: ReplySink | undefined,
  ): void {
    if (this.#deadlines.size > 0) this.#checkTouched(spec, request, db, nowMs);
    if (spec.treatment === 'ttl') this.#applyTtl(spec, request, db, nowMs, sink);
    else if (spec.treatment === 'streamId') this.#applyStream(spec, request, db, nowMs, sink);
    else {
      this.#moveDeadlines(spec, request, db);
      this.#backend.connection.send(db, request.raw, sink);
    }
  }

  #applyTtl(
    spec: CommandSpec,
    request: Request,
    db: number,
    nowMs: number,
    sink: ReplySink | undefined,
  ): void {
    const rewrite = rewriteTtl(spec, request, nowMs);
    if (rewrite.kind === 'error') return sink?.reply(errorReply(rewrite.text));
    if (rewrite.kind === 'asIs') return this.#backend.connection.send(db, request.raw, sink);
    this.#backend.connection.send(db, rewrite.request.raw, sink);
    this.#deadlines.add(db, request.arg(1), rewrite.deadlineMs);
    this.#prune();
    // The guard keeps redis-server from removing what is set to a time already past.
    if (rewrite.deadlineMs <= nowMs) this.#check(db, [request.arg(1)], nowMs);
  }

  #applyStream(
    spec: CommandSpec,
    request: Request,
    db: number,
    nowMs: number,
    sink: ReplySink | undefined,
  ): void {
    const { request: exact, serverIdAt } = rewriteStream(request, spec.name === 'xadd');
    if (serverIdAt === undefined) return this.#backend.connection.send(db, exact.raw, sink);
    const args: Buffer[] = [];
    for (let index = 2; index < exact.argc; index++) args.push(exact.arg(index));
    const { streamId } = this.#backend.scripts;
    const script = Request.of('EVALSHA', streamId, 1, exact.arg(1), nowMs, serverIdAt, ...args);
    this.#backend.connection.send(db, script.raw, sink);
  }

  #checkTouched(spec: CommandSpec, request: Request, db: number, nowMs: number): void {
    const keys = keysOf(spec, request);
    if (keys === 'unknown') {
      for (const row of this.#deadlines.due(nowMs, Infinity)) this.#check(row.db, [row.key], nowMs);
      return;
    }
    const due = keys.filter((key) => (this.#deadlines.at(db, key) ?? Infinity) <= nowMs);
    if (due.length > 0) this.#check(db, due, nowMs);
    const other = otherDatabase(spec, request);
    if (other === undefined || !this.#knows(other)) return;
    const target = request.arg(spec.name === 'copy' ? 2 : 1);
    if ((this.#deadlines.at(other, target) ?? Infinity) <= nowMs)
      this.#check(other, [target], nowMs);
  }

  #knows(db: number): boolean {
    return db >= 0 && db < this.#backend.databaseCount;
  }

  /** Deadlines that travel with a key, or end with a whole database. */
  #moveDeadlines(spec: CommandSpec, request: Request, db: number): void {
    const deadlines = this.#deadlines;
    switch (spec.name) {
      case 'rename':
      case 'renamenx':
      case 'copy':
      case 'move': {
        const at = deadlines.at(db, request.arg(1));
        const target = otherDatabase(spec, request) ?? db;
        const to = request.arg(spec.name === 'move' ? 1 : 2);
        if (at !== undefined && this.#knows(target)) deadlines.add(target, to, at);
        return;
      }
      case 'flushdb':
        if (flushes(request)) deadlines.clear(db);
        return;
      case 'flushall':
        if (flushes(request)) deadlines.clear();
        return;
      case 'swapdb': {
        const [first, second] = [parseInteger(request.text(1)), parseInteger(request.text(2))];
        if (first === undefined || second === undefined) return;
        if (this.#knows(first) && this.#knows(second)) deadlines.swap(first, second);
      }
    }
  }

  // A key deleted or persisted early stays a candidate until its time. Looking at as many old
  // candidates as new ones come keeps the set within twice the keys that do have a deadline.
  #prune(): void {
    if (++this.#addedCount % PRUNE_COUNT !== 0) return;
    for (const { db, key } of this.#deadlines.inTurn(2 * PRUNE_COUNT))
      this.#ask(db, [key], NEVER_MS);
  }

  #check(db: number, keys: readonly Buffer[], nowMs: number): void {
    for (const key of keys) this.#deadlines.checking(db, key, nowMs);
    this.#ask(db, keys, nowMs);
  }

  /** Ends the keys whose deadline `nowMs` has reached, and learns the true deadlines of the others. */
  #ask(db: number, keys: readonly Buffer[], nowMs: number): void {
    const versions = keys.map((key) => this.#deadlines.version(db, key));
    const { expire } = this.#backend.scripts;
    const script = Request.of('EVALSHA', expire, keys.length, ...keys, nowMs, GUARD_MS);
    this.#backend.connection.send(db, script.raw, {
      reply: (bytes) => {
        const answers = decodeReply(bytes);
        if (!Array.isArray(answers)) {
          throw new RedisAdapterError('BACKEND_PROTOCOL', `expiry failed: ${String(answers)}`);
        }
        keys.forEach((key, index) => {
          this.#deadlines.checked(db, key, versions[index], answers[index] as number);
        });
      },
    });
  }
}

/** True where the bytes of the log can go to redis-server without a look at the arguments. */
function isPlain(spec: CommandSpec, raw: Buffer, deadlines: Deadlines): boolean {
  if (spec.treatment === 'write' || spec.treatment === 'pop') return deadlines.size === 0;
  // SET with three arguments has no options, and overwrites whatever was there.
  return spec.name === 'set' && raw[1] === THREE && raw[2] === CR;
}

/** The database a command names beside its own, if it does. */
function otherDatabase(spec: CommandSpec, request: Request): number | undefined {
  if (spec.name === 'move') return parseInteger(request.text(2));
  if (spec.name !== 'copy') return undefined;
  for (let index = 3; index + 1 < request.argc; index++) {
    if (request.text(index).toUpperCase() === 'DB') return parseInteger(request.text(index + 1));
  }
  return undefined;
}

function flushes(request: Request): boolean {
  if (request.argc === 1) return true;
  return request.argc === 2 && ['SYNC', 'ASYNC'].includes(request.text(1).toUpperCase());
}

/** How many deadlines are set between two looks at old ones. */
const PRUNE_COUNT = 64;
/** No deadline is as early as this: the script only looks. */
const NEVER_MS = -1;
const THREE = 51;
const CR = 13;
