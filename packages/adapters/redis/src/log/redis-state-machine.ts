import { randomBytes } from 'node:crypto';
import type { ApplyContext, StateMachine } from '@mu-smr/consensus';
import type { RedisBackend } from '../backend/redis-backend.js';
import { restoreSnapshot } from '../snapshot/restore-snapshot.js';
import { takeSnapshot } from '../snapshot/take-snapshot.js';
import { Deadlines } from '../ttl/deadlines.js';
import type { BatchItem } from './batch.js';
import { ANY_SEQUENCE, decodeCommands, decodeHeader } from './entry-codec.js';
import { WriteApplier } from './write-applier.js';

/** `void`: the entry was resolved against a state that is not the present one; nothing was done. */
export type ApplyResult = 'applied' | 'void';

/**
 * A redis-server as a replicated state machine.
 *
 * `apply` only sends: replies come later, in order, and go to the clients whose batch the entry is.
 * A follower drops them.
 */
export class RedisStateMachine implements StateMachine<ApplyResult> {
  readonly backend: RedisBackend;
  /** Tells our entries from those of a process that ran here before. */
  readonly origin = randomBytes(4).readUInt32LE();
  #deadlines = new Deadlines();
  #applier: WriteApplier;
  #batches = new Map<number, readonly BatchItem[]>();
  #sequence = 0;
  #timestampMs = 0;
  #failure: Error | undefined;

  constructor(backend: RedisBackend) {
    this.backend = backend;
    this.#applier = new WriteApplier(backend, this.#deadlines);
    backend.once('failed', (error) => {
      this.#failure = error;
    });
  }

  /** @internal */
  get deadlines(): Deadlines {
    return this.#deadlines;
  }

  /** Number of entries applied since the log began. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The log's clock: that of the newest applied entry. */
  get timestampMs(): number {
    return this.#timestampMs;
  }

  /**
   * Replies of the entry with this batch number will go to these items.
   *
   * @internal
   */
  expectBatch(batch: number, items: readonly BatchItem[]): void {
    this.#batches.set(batch, items);
  }

  forgetBatch(batch: number): void {
    this.#batches.delete(batch);
  }

  apply(command: Uint8Array, context: ApplyContext): ApplyResult {
    // A replica whose redis-server is lost must stop rather than answer without it.
    if (this.#failure !== undefined) throw this.#failure;
    // Copied once: the view ends with this call, and what we send does not.
    const entry = Buffer.from(command);
    const header = decodeHeader(entry);
    if (header.sequence !== ANY_SEQUENCE && header.sequence !== this.#sequence) return 'void';
    this.#sequence++;
    this.#timestampMs = Math.max(this.#timestampMs, header.timestampMs);

    const ours = context.local && header.origin === this.origin;
    const items = ours ? this.#batches.get(header.batch) : undefined;
    if (items !== undefined) this.run(items);
    else {
      for (const each of decodeCommands(entry)) this.#applier.apply(each, this.#timestampMs);
    }
    return 'applied';
  }

  /**
   * Executes the items of our own batch in order: writes that are decided, and reads among them.
   *
   * @internal
   */
  run(items: readonly BatchItem[]): void {
    if (this.#failure !== undefined) throw this.#failure;
    const { connection } = this.backend;
    for (const item of items) {
      if (item.kind === 'answer') {
        item.sink.reply(item.answer());
        continue;
      }
      connection.speak(item.protocol);
      if (item.kind === 'read') connection.send(item.db, item.raw, item.sink);
      else this.#applier.apply(item.command, this.#timestampMs, item.sink);
    }
  }

  snapshot(): AsyncIterable<Uint8Array> {
    return takeSnapshot(this.backend, {
      sequence: this.#sequence,
      timestampMs: this.#timestampMs,
      deadlines: this.#deadlines.rows(),
    });
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const state = await restoreSnapshot(this.backend, chunks);
    this.#sequence = state.sequence;
    this.#timestampMs = state.timestampMs;
    this.#deadlines = new Deadlines();
    for (const row of state.deadlines) this.#deadlines.add(row.db, row.key, row.atMs);
    this.#applier = new WriteApplier(this.backend, this.#deadlines);
  }
}
