import {
  advance,
  batchedBytes,
  CommandReader,
  EntryKind,
  EntryRun,
  HeaderCell,
  LOG_BEGIN,
  LogError,
  readCommit,
  type GroupNonce,
  type LogGeometry,
  type LogOffset,
} from '@mu-smr/log';
import { readChange } from '../core/configuration.ts';
import type { ApplyContext, StateMachine } from '../state-machine.ts';
import type { DivergenceDetector } from './divergence-detector.ts';
import type { Membership } from './membership.ts';

/** Told of each applied entry: the results of its commands, in order. */
export interface AppliedListener<Result> {
  /** Whether somebody here waits for the results of the entry at this offset. */
  awaits(at: LogOffset): boolean;
  applied(at: LogOffset, index: number, count: number, result: Result): void;
}

interface MutableContext extends ApplyContext {
  at: LogOffset;
  index: number;
  count: number;
  local: boolean;
}

/**
 * Reads decided entries back from our own log and applies them, in order, each once.
 *
 * A follower learns how far the log is decided from the entries themselves, which carry the leader's
 * first undecided offset, and from the announcement a leader writes when it goes idle. Both came
 * through the lane that also brought everything below them, in order.
 */
export class Replayer<Result> {
  /** Everything below is applied. */
  applied = LOG_BEGIN;
  /** Everything below is known to be decided, and stands in our log. */
  known = LOG_BEGIN;
  /** Everything below may be zeroed, by the leader's word. */
  releasable = LOG_BEGIN;
  appliedCommands = 0;
  /** Told of each entry that was applied; it stands in our log as long as the call lasts. */
  readonly watchers = new Set<(offset: LogOffset, end: LogOffset) => void>();
  /** Next entry to learn from; at or above `applied`. */
  #scanned = LOG_BEGIN;
  readonly #bytes: Uint8Array;
  readonly #commands: CommandReader;
  readonly #arrived: EntryRun;
  readonly #decided: EntryRun;
  readonly #apply: StateMachine<Result>['apply'];
  readonly #listener: AppliedListener<Result>;
  readonly #membership: Membership;
  readonly #detector: DivergenceDetector;
  readonly #context: MutableContext = { at: LOG_BEGIN, index: 0, count: 0, local: false };

  constructor(
    log: Uint8Array,
    geometry: LogGeometry,
    nonce: GroupNonce,
    apply: StateMachine<Result>['apply'],
    listener: AppliedListener<Result>,
    membership: Membership,
    detector: DivergenceDetector,
  ) {
    this.#bytes = log;
    this.#commands = new CommandReader(log);
    this.#arrived = new EntryRun(log, geometry, nonce);
    this.#decided = new EntryRun(log, geometry, nonce, 'header');
    this.#apply = apply;
    this.#listener = listener;
    this.#membership = membership;
    this.#detector = detector;
  }

  /** Begins at `offset`: the state up to there came from another replica. */
  startAt(offset: LogOffset): void {
    this.applied = offset;
    this.known = offset;
    this.releasable = offset;
    this.#scanned = offset;
  }

  /** Follower: learns from at most `entriesMax` entries and the announcement. True if there may be more. */
  learn(entriesMax: number): boolean {
    const commit = readCommit(this.#bytes, HeaderCell.commit);
    if (commit !== undefined) this.decidedUpTo(commit.firstUndecided, commit.release);
    if (this.#scanned < this.applied) this.#scanned = this.applied;
    const run = this.#arrived;
    for (let learnt = 0; learnt < entriesMax; learnt += run.count) {
      if (!run.read(this.#scanned)) return false;
      this.decidedUpTo(run.firstUndecided, run.release);
      this.#scanned = run.end;
    }
    return true;
  }

  /** Everything below `offset` is decided, and our log holds it. */
  decidedUpTo(offset: LogOffset, release: LogOffset): void {
    if (offset > this.known) this.known = offset;
    if (release > this.releasable) this.releasable = release;
  }

  /** Where the next entry to learn from would stand. */
  get scanned(): LogOffset {
    return this.#scanned;
  }

  /** Applies at most `entriesMax` decided entries; returns how many. Exceptions of `apply` pass through. */
  apply(entriesMax: number): number {
    let entries = 0;
    const run = this.#decided;
    while (this.applied < this.known && entries < entriesMax) {
      // Decided and acknowledged: a checksum was either verified when we learnt it, or completed
      // through our own loopback lane. The header must still be that of this offset.
      if (!run.read(this.applied, this.known))
        throw new LogError('CORRUPT', `the decided entry at ${this.applied} is not in our log`);
      const count = Math.min(run.count, entriesMax - entries);
      for (let n = 0; n < count; n++) {
        const offset = this.applied;
        const end = advance(offset, run.totalBytes(n));
        this.#applyEntry(n, offset, end);
        this.#passed(offset, end);
      }
      entries += count;
    }
    return entries;
  }

  /**
   * Applies the next entry, which ends at `end` and holds one command of this leader's: it was decided
   * by writes that this leader has just seen done, so nothing of it is in doubt, and nothing is read back.
   */
  applyOwn(command: Uint8Array, end: LogOffset): void {
    const offset = this.applied;
    const context = this.#context;
    context.at = offset;
    context.index = 0;
    context.count = 1;
    context.local = true;
    this.#applyCommand(command);
    this.#passed(offset, end);
  }

  /** Forgets what was learnt of undecided entries: another leader may have overwritten them. */
  rescan(): void {
    this.#scanned = this.applied;
  }

  #passed(offset: LogOffset, end: LogOffset): void {
    this.applied = end;
    if (this.watchers.size > 0) for (const watcher of this.watchers) watcher(offset, end);
  }

  /** Applies the `n`th entry of the run of decided ones. */
  #applyEntry(n: number, offset: LogOffset, end: LogOffset): void {
    const run = this.#decided;
    const kind = run.kind(n);
    let at = run.payloadAt(n);
    if (kind !== EntryKind.command && kind !== EntryKind.batch) {
      if (kind === EntryKind.configuration)
        this.#membership.apply(readChange(this.#bytes, at), end);
      else if (kind === EntryKind.check) this.#detector.apply(this.#bytes, at, offset, end);
      return;
    }
    const context = this.#context;
    context.at = offset;
    context.index = 0;
    context.count = run.commands(n);
    context.local = this.#listener.awaits(offset);
    if (kind === EntryKind.command) {
      this.#applyCommand(this.#commands.read(at, run.payloadLength(n)));
      return;
    }
    for (; context.index < context.count; context.index++) {
      const length = this.#commands.batchedLength(at);
      this.#applyCommand(this.#commands.read(at + 4, length));
      at += batchedBytes(length);
    }
  }

  #applyCommand(command: Uint8Array): void {
    const context = this.#context;
    const result = this.#apply(command, context);
    this.appliedCommands++;
    if (context.local) this.#listener.applied(context.at, context.index, context.count, result);
  }
}
