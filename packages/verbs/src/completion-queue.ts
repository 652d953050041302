import type { Backend } from './backend.ts';
import type { Context } from './context.ts';
import { Owned } from './lifetime.ts';
import { CompletionEntry, Ring } from './ring-layout.ts';
import { opcodeName, statusName, type WorkCompletion } from './work-completion.ts';

/** Stands for a queue pair that was closed while its completions waited. */
const NOBODY = 0xffff_ffff;

/**
 * Where finished work is polled: a ring in memory that the provider fills and one thread of ours
 * empties.
 *
 * The hot path is `poll`, then `at` for each entry, then `consume`; `take` is the same for people.
 */
export class CompletionQueue extends Owned {
  readonly handle: number;
  readonly depth: number;
  /** Work requests that may still complete into this queue. */
  outstanding = 0;
  /** The ring itself: see `at`. */
  readonly words: Uint32Array;
  readonly #mask: number;
  readonly #needsPoll: boolean;
  readonly #backend: Backend;
  readonly #users: ({ outstanding: number } | undefined)[] = [];
  #consumed = 0;

  constructor(context: Context, backend: Backend, contextHandle: number, depth: number) {
    super(context);
    const raw = backend.createCompletionQueue(contextHandle, depth);
    this.#backend = backend;
    this.handle = raw.queue;
    this.depth = depth;
    this.words = new Uint32Array(raw.ring);
    this.#mask = depth - 1;
    this.#needsPoll = raw.needsPoll;
    this.attach();
  }

  /** Lets `consume` keep the count of a queue pair that completes here. */
  serve(queuePairHandle: number, queuePair: { outstanding: number }): void {
    this.#users[queuePairHandle] = queuePair;
  }

  /**
   * Ends `serve` once the provider has destroyed the queue pair. What it had outstanding will never
   * complete, except what waits here already: that is given back when it is consumed.
   */
  forget(queuePairHandle: number): void {
    const users = this.#users[queuePairHandle];
    if (users === undefined) return;
    this.#users[queuePairHandle] = undefined;
    const waiting = (this.words[Ring.producer] - this.#consumed) | 0;
    let retired = 0;
    for (let n = 0; n < waiting; n++) {
      const at = this.at(n);
      if (this.words[at + CompletionEntry.queuePair] !== queuePairHandle) continue;
      retired += this.words[at + CompletionEntry.retired];
      // A later queue pair may get the same handle, and these are not its completions.
      this.words[at + CompletionEntry.queuePair] = NOBODY;
    }
    this.outstanding -= users.outstanding - retired;
  }

  /** How many completions wait to be read. Never blocks. ibv_poll_cq(3). */
  poll(): number {
    if (this.#needsPoll) this.#backend.pollCompletionQueue(this.handle);
    return (this.words[Ring.producer] - this.#consumed) | 0;
  }

  /** Where in `words` the n-th waiting completion begins (0 = oldest); `CompletionEntry` goes on. */
  at(n: number): number {
    return Ring.entries + ((this.#consumed + n) & this.#mask) * CompletionEntry.words;
  }

  /** One word of the n-th waiting completion; `word` is one of `CompletionEntry`. */
  word(n: number, word: number): number {
    return this.words[this.at(n) + word];
  }

  /** Gives the oldest `count` completions back to the provider. */
  consume(count: number): void {
    const words = this.words;
    for (let n = 0; n < count; n++) {
      const at = this.at(n);
      const retired = words[at + CompletionEntry.retired];
      this.outstanding -= retired;
      const users = this.#users[words[at + CompletionEntry.queuePair]];
      // A queue pair may be closed while its last completions wait here.
      if (users !== undefined) users.outstanding -= retired;
    }
    this.#consumed = (this.#consumed + count) >>> 0;
    this.words[Ring.consumer] = this.#consumed;
  }

  /** The oldest completion as an object, or `undefined` when there is none. */
  take(): WorkCompletion | undefined {
    if (this.closed || this.poll() === 0) return undefined;
    const completion: WorkCompletion = {
      workRequestIdLow: this.word(0, CompletionEntry.workRequestIdLow),
      workRequestIdHigh: this.word(0, CompletionEntry.workRequestIdHigh),
      status: statusName(this.word(0, CompletionEntry.status)),
      opcode: opcodeName(this.word(0, CompletionEntry.opcode)),
      byteLength: this.word(0, CompletionEntry.byteLength),
      queuePairNumber: this.word(0, CompletionEntry.queuePairNumber),
    };
    this.consume(1);
    return completion;
  }

  protected release(): void {
    this.#backend.destroyCompletionQueue(this.handle);
  }
}
