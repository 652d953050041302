import type { Proposer, ProposeOutcome, ReadBarrierOutcome } from '@mu-smr/consensus';
import { onlyReads } from '../commands/table.js';
import type { BatchItem } from '../log/batch.js';
import { ANY_SEQUENCE, encodeEntry } from '../log/entry-codec.js';
import type { ApplyResult, RedisStateMachine } from '../log/redis-state-machine.js';
import { BatchBuilder, EXPIRE_KEYS_MAX } from './batch-builder.js';
import type { Clock } from './clock.js';
import { errorOf, UNKNOWN } from './outcome-reply.js';
import { resolvePops, type ResolvedPop } from './pop.js';
import type { Submission, Unit } from './submission.js';

export interface PipelineOptions {
  readonly proposer: Proposer<ApplyResult> & { flush?(): void };
  readonly stateMachine: RedisStateMachine;
  readonly clock: Clock;
  /** Longest payload of one log entry. */
  readonly entryBytesMax: number;
}

/**
 * Brings the commands of all clients into one order: a batch per turn, one batch at a time.
 *
 * Writes of a batch are one log entry. Reads stand between them where their clients put them and run
 * on the leader's own redis-server as the entry is applied, which proves leadership; a batch of reads
 * alone proves it by a barrier. Commands that come meanwhile gather for the next batch.
 */
export class CommandPipeline {
  readonly #options: PipelineOptions;
  #queue: Unit[] = [];
  #running = false;
  #scheduled = false;
  #expiryRequested = false;
  #batch = 0;

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  submit(unit: Unit): void {
    this.#queue.push(unit);
    this.#schedule();
  }

  /** Puts the keys whose deadline has been reached into the next batch. */
  expireDue(): void {
    this.#expiryRequested = true;
    this.#schedule();
  }

  get busy(): boolean {
    return this.#running || this.#scheduled;
  }

  // After the turn's reads of all sockets, so that they share a batch.
  #schedule(): void {
    if (this.#running || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#queue.length > 0 || this.#expiryRequested) await this.#runBatch();
    this.#running = false;
  }

  async #runBatch(): Promise<void> {
    const { stateMachine, clock, entryBytesMax } = this.#options;
    const sequence = stateMachine.sequence;
    const queue = this.#queue;
    const now = Math.max(clock.now(), stateMachine.timestampMs);
    const builder = new BatchBuilder(now, stateMachine.deadlines, entryBytesMax);
    const asked = leadingPops(queue);
    // What an expired set held must not be popped: its end is an entry of its own, then we look again.
    const expired = asked.flatMap((pop) => builder.dueKeysOf(pop));
    if (expired.length > 0) {
      builder.expire(expired);
      return this.#conclude(builder, ANY_SEQUENCE);
    }
    const { connection } = stateMachine.backend;
    const pops = asked.length === 0 ? NO_POPS : await resolvePops(connection, asked);
    if (this.#expiryRequested) builder.expire(stateMachine.deadlines.due(now, EXPIRE_KEYS_MAX));
    this.#expiryRequested = false;

    let taken = 0;
    while (taken < queue.length) {
      const unit = queue[taken];
      // A pop is resolved only if nothing before it in the batch could change what it pops from.
      if (unit.kind === 'command' && unit.spec.treatment === 'pop' && !pops.has(unit)) break;
      if (!builder.add(unit, pops)) break;
      taken++;
    }
    this.#queue = taken === queue.length ? [] : queue.slice(taken);
    await this.#conclude(builder, pops.size > 0 ? sequence : ANY_SEQUENCE);
  }

  async #conclude(builder: BatchBuilder, sequence: number): Promise<void> {
    const { items } = builder;
    if (builder.commands.length > 0) {
      const outcome = await this.#propose(builder, sequence);
      if (outcome.kind !== 'decided') refuse(items, errorOf(outcome), outcome.kind === 'unknown');
      else if (outcome.result === 'void') this.#queue = [...builder.units, ...this.#queue];
      return;
    }
    if (items.length === 0) return;
    const outcome = await this.#barrier(items);
    if (outcome.kind !== 'current') return refuse(items, errorOf(outcome), false);
    const { stateMachine } = this.#options;
    if (sequence !== ANY_SEQUENCE && sequence !== stateMachine.sequence) {
      this.#queue = [...builder.units, ...this.#queue];
    } else this.#runReads(items);
  }

  async #propose(builder: BatchBuilder, sequence: number): Promise<ProposeOutcome<ApplyResult>> {
    const { proposer, stateMachine } = this.#options;
    const batch = (this.#batch = (this.#batch + 1) >>> 0);
    const header = { origin: stateMachine.origin, batch, timestampMs: builder.nowMs, sequence };
    stateMachine.expectBatch(batch, builder.items);
    try {
      const outcome = proposer.propose(encodeEntry(header, builder.commands));
      proposer.flush?.();
      return await outcome;
    } catch {
      // The replica failed in the middle; it reports why itself, and we cannot know the outcome.
      return UNKNOWN;
    } finally {
      stateMachine.forgetBatch(batch);
    }
  }

  async #barrier(items: readonly BatchItem[]): Promise<ReadBarrierOutcome> {
    // What the adapter answers from itself needs no proof.
    if (items.every((item) => item.kind === 'answer')) return { kind: 'current' };
    const { proposer } = this.#options;
    try {
      const outcome = proposer.readBarrier();
      proposer.flush?.();
      return await outcome;
    } catch {
      return { kind: 'rejected', reason: 'closed' };
    }
  }

  #runReads(items: readonly BatchItem[]): void {
    try {
      this.#options.stateMachine.run(items);
    } catch {
      // redis-server is lost, which the replica reports; its clients get no answer from us.
      refuse(items, errorOf({ kind: 'rejected', reason: 'closed' }), true);
    }
  }
}

/** The pops before which nothing in the queue writes: the present state is what they pop from. */
function leadingPops(queue: readonly Unit[]): Submission[] {
  const pops: Submission[] = [];
  for (const unit of queue) {
    if (unit.kind === 'transaction') break;
    if (unit.spec.treatment === 'pop') pops.push(unit);
    else if (!onlyReads(unit.spec)) break;
  }
  return pops;
}

function refuse(items: readonly BatchItem[], error: Buffer, unknown: boolean): void {
  for (const item of items) {
    // A read of a batch that may or may not be decided was certainly not executed.
    const close = unknown && item.kind === 'write';
    item.sink?.refuse(
      close || !unknown ? error : errorOf({ kind: 'rejected', reason: 'aborted' }),
      close,
    );
  }
}

const NO_POPS: Map<Submission, ResolvedPop> = new Map();
