import { keysOf } from '../commands/keys.js';
import type { BatchItem, CommandSink } from '../log/batch.js';
import {
  COMMAND_OVERHEAD_BYTES,
  EXPIRE_INDEX,
  HEADER_BYTES,
  type EntryCommand,
} from '../log/entry-codec.js';
import { errorReply } from '../resp/reply.js';
import { Request } from '../resp/request.js';
import { commandSpecs } from '../commands/table.js';
import type { DeadlineRow, Deadlines } from '../ttl/deadlines.js';
import { deadlineQuestion, deadlineSink } from './deadline-read.js';
import type { ResolvedPop } from './pop.js';
import { partsOf, type Submission, type Unit } from './submission.js';

/** How many keys one entry may check for reached deadlines. */
export const EXPIRE_KEYS_MAX = 256;

/** Turns queued commands into the items of one batch, within the size of a log entry. */
export class BatchBuilder {
  readonly items: BatchItem[] = [];
  /** What goes into the log, in order. */
  readonly commands: EntryCommand[] = [];
  /** The units in this batch, should it have to be built anew. */
  readonly units: Unit[] = [];
  readonly nowMs: number;
  readonly #deadlines: Deadlines;
  readonly #entryBytesMax: number;
  #bytes = HEADER_BYTES;
  #expiredAll = false;

  constructor(nowMs: number, deadlines: Deadlines, entryBytesMax: number) {
    this.nowMs = nowMs;
    this.#deadlines = deadlines;
    this.#entryBytesMax = entryBytesMax;
  }

  /** Adds a unit, or returns false where another batch must carry it. */
  add(unit: Unit, pops: ReadonlyMap<Submission, ResolvedPop>): boolean {
    const parts = partsOf(unit);
    let bytes = 0;
    for (const part of parts) {
      bytes += sizeOf(part, pops);
      if (part.spec.treatment === 'keyspaceRead' && this.#expireAll()) return false;
    }
    if (this.commands.length > 0 && this.#bytes + bytes > this.#entryBytesMax) return false;
    this.units.push(unit);
    for (const part of parts) this.#addPart(part, pops);
    return true;
  }

  /** Checks the keys whose deadline has been reached; true if more remain than fit one entry. */
  #expireAll(): boolean {
    if (this.#expiredAll) return false;
    this.#expiredAll = true;
    const due = this.#deadlines.due(this.nowMs, EXPIRE_KEYS_MAX);
    this.expire(due);
    return due.length === EXPIRE_KEYS_MAX;
  }

  /** Has the keys of `rows` checked by every replica at this point of the log. */
  expire(rows: readonly DeadlineRow[]): void {
    const databases = new Map<number, Buffer[]>();
    for (const { db, key } of rows) {
      const keys = databases.get(db);
      if (keys === undefined) databases.set(db, [key]);
      else keys.push(key);
    }
    for (const [db, keys] of databases) {
      // One command per entry-sized portion of keys; what does not fit is due again next time.
      const raw = Request.of(...keys).raw;
      if (this.#bytes + raw.length + COMMAND_OVERHEAD_BYTES <= this.#entryBytesMax) {
        this.#write({ specIndex: EXPIRE_INDEX, db, raw }, undefined, 2);
      } else if (keys.length > 1) {
        const half = rows.filter((row) => row.db === db).slice(0, keys.length >> 1);
        this.expire(half);
      }
    }
  }

  #addPart(part: Submission, pops: ReadonlyMap<Submission, ResolvedPop>): void {
    const { spec, request, db, protocol, sink } = part;
    if (part.answer !== undefined) {
      this.items.push({ kind: 'answer', answer: part.answer, sink });
      return;
    }
    switch (spec.treatment) {
      case 'write':
      case 'ttl':
      case 'streamId':
        return this.#write({ specIndex: spec.index, db, raw: request.raw }, sink, protocol);
      case 'pop':
        return this.#pop(part, pops.get(part)!);
      case 'deadlineRead': {
        this.#expireTouched(part);
        const raw = deadlineQuestion(part).raw;
        const corrected = deadlineSink(part, this.nowMs);
        this.items.push({ kind: 'read', db, raw, protocol: 2, sink: corrected });
        return;
      }
      default:
        this.#expireTouched(part);
        this.items.push({ kind: 'read', db, raw: request.raw, protocol, sink });
    }
  }

  #write(command: EntryCommand, sink: CommandSink | undefined, protocol: 2 | 3): void {
    this.#bytes += command.raw.length + COMMAND_OVERHEAD_BYTES;
    this.commands.push(command);
    this.items.push({ kind: 'write', command, protocol, sink });
  }

  #pop(part: Submission, { removal, reply }: ResolvedPop): void {
    if (removal !== undefined && sizeOfRaw(removal.raw) + HEADER_BYTES > this.#entryBytesMax) {
      const answer = () =>
        errorReply(`ERR command exceeds the log entry limit of ${this.#entryBytesMax} bytes`);
      this.items.push({ kind: 'answer', answer, sink: part.sink });
    } else if (removal === undefined) {
      this.items.push({ kind: 'answer', answer: () => reply, sink: part.sink });
    } else {
      const sink: CommandSink = {
        reply: () => part.sink.reply(reply),
        refuse: (error, close) => part.sink.refuse(error, close),
      };
      this.#write({ specIndex: SREM_INDEX, db: part.db, raw: removal.raw }, sink, 2);
    }
  }

  // A write has its keys checked where it is applied; a read is not in the log, so we ask for it.
  #expireTouched(part: Submission): void {
    const due = this.dueKeysOf(part);
    if (due.length > 0) this.expire(due);
  }

  /** The keys a command names that must be checked before it may see them. */
  dueKeysOf({ spec, request, db }: Submission): DeadlineRow[] {
    if (this.#deadlines.size === 0) return [];
    const keys = keysOf(spec, request);
    if (keys === 'unknown') return [];
    return keys
      .filter((key) => (this.#deadlines.at(db, key) ?? Infinity) <= this.nowMs)
      .map((key) => ({ db, key, atMs: this.nowMs }));
  }
}

function sizeOf(part: Submission, pops: ReadonlyMap<Submission, ResolvedPop>): number {
  const removal = pops.size === 0 ? undefined : pops.get(part)?.removal;
  return sizeOfRaw(removal === undefined ? part.request.raw : removal.raw);
}

function sizeOfRaw(raw: Buffer): number {
  return raw.length + COMMAND_OVERHEAD_BYTES;
}

const SREM_INDEX = commandSpecs.findIndex((spec) => spec.name === 'srem');
