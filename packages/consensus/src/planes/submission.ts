import {
  appendToBatch,
  batchedBytes,
  EntryKind,
  type LogGeometry,
  type LogOffset,
} from '@mu-smr/log';
import type { FastPath } from './fast-path.ts';
import type { Pending, Proposal } from './pending.ts';
import type { Replayer } from './replayer.ts';

const SINGLE = EntryKind.command | (1 << 8);

/** Puts commands into entries: one alone, several together, as many as wait and fit. */
export class Submission<Result> {
  postedEntries = 0;
  readonly #fastPath: FastPath;
  readonly #pending: Pending<Result>;
  readonly #replayer: Replayer<Result>;
  readonly #staging: Uint8Array;
  readonly #geometry: LogGeometry;
  readonly #nowUs: () => number;
  /** Where the entry of the last `postSync` ends, and the length of its command. */
  #syncEnd = -1;
  #syncBytes = 0;
  #blockedSinceUs: number | undefined;

  constructor(
    fastPath: FastPath,
    pending: Pending<Result>,
    replayer: Replayer<Result>,
    staging: Uint8Array,
    geometry: LogGeometry,
    nowUs: () => number,
  ) {
    this.#fastPath = fastPath;
    this.#pending = pending;
    this.#replayer = replayer;
    this.#staging = staging;
    this.#geometry = geometry;
    this.#nowUs = nowUs;
  }

  /**
   * Posts one command whose outcome `Pending.sync` tells, and applies it where writes are over at once;
   * false without room.
   */
  postSync(command: Uint8Array): boolean {
    const next = this.#fastPath.tail;
    if (this.#fastPath.replicate(command)) {
      this.#postedSync(next, command.length);
      this.applySync();
      return true;
    }
    if (!this.#fastPath.room(command.length)) return false;
    const at = this.#fastPath.postNow(SINGLE, this.#stage(command));
    this.#postedSync(at, command.length);
    return true;
  }

  /** Applies the command of the last `postSync` once it is decided, where it is next and the last entry. */
  applySync(): void {
    const { tail, decided, writer } = this.#fastPath;
    if (decided !== tail || tail !== this.#syncEnd) return;
    if (!this.#pending.sync.awaits(this.#replayer.applied)) return;
    this.#replayer.decidedUpTo(decided, writer.release);
    this.#replayer.applyOwn(this.#fastPath.lastCommand(this.#syncBytes), decided);
  }

  #postedSync(at: LogOffset, length: number): void {
    this.#pending.sync.posted(at);
    this.#syncEnd = this.#fastPath.tail;
    this.#syncBytes = length;
  }

  /** Posts several commands as one entry; `undefined` without room. */
  postBatchSync(commands: readonly Uint8Array[]): LogOffset | undefined {
    let bytes = 0;
    for (const command of commands) bytes += batchedBytes(command.length);
    if (bytes > this.#geometry.payloadBytesMax || !this.#fastPath.room(bytes)) return undefined;
    let at = this.#fastPath.stage(bytes);
    for (const command of commands) at = appendToBatch(this.#staging, at, command);
    return this.#fastPath.postNow(EntryKind.batch | (commands.length << 8), bytes);
  }

  /** Posts what is queued, as far as there is room; the caller rings the doorbell. */
  postQueued(): boolean {
    let posted = false;
    for (let first = this.#pending.peek(); first !== undefined; first = this.#pending.peek()) {
      if (!this.#fastPath.room(first.command.length + batchedBytes(0))) {
        if (posted || this.#blockedSinceUs === undefined) this.#blockedSinceUs = this.#nowUs();
        return posted;
      }
      this.#postTogether();
      posted = true;
    }
    // Nobody waits: also not for the room that was missing in an earlier epoch.
    this.#blockedSinceUs = undefined;
    return posted;
  }

  /** Whether commands have waited for room for so long; asks once and begins to count anew. */
  blockedFor(patienceUs: number): boolean {
    if (this.#blockedSinceUs === undefined) return false;
    if (this.#nowUs() - this.#blockedSinceUs < patienceUs) return false;
    this.#blockedSinceUs = undefined;
    return true;
  }

  /** Takes as many queued commands as fit into one entry, and posts it. */
  #postTogether(): void {
    const batch: Proposal<Result>[] = [];
    let bytes = 0;
    for (let next = this.#pending.peek(); next !== undefined; next = this.#pending.peek()) {
      const more = bytes + batchedBytes(next.command.length);
      const fits = more <= this.#geometry.payloadBytesMax && this.#fastPath.room(more);
      if (batch.length > 0 && !fits) break;
      batch.push(next);
      bytes = more;
      this.#pending.take();
    }
    this.#pending.posted(this.#postEntry(batch, bytes), batch);
    this.postedEntries++;
  }

  #postEntry(batch: readonly Proposal<Result>[], bytes: number): LogOffset {
    if (batch.length === 1) return this.#fastPath.post(SINGLE, this.#stage(batch[0].command));
    let at = this.#fastPath.stage(bytes);
    for (const { command } of batch) at = appendToBatch(this.#staging, at, command);
    return this.#fastPath.post(EntryKind.batch | (batch.length << 8), bytes);
  }

  /** Puts a command where the next entry has its payload; returns its length. */
  #stage(command: Uint8Array): number {
    const { length } = command;
    this.#staging.set(command, this.#fastPath.stage(length));
    return length;
  }
}
