import type { Backend } from './backend.ts';
import type { Context } from './context.ts';
import { Owned } from './lifetime.ts';
import { refuse } from './errors.ts';
import { CompletionEntry, RECEIVE_QUEUE, Received, ReceivedFlags, Ring } from './ring-layout.ts';
import {
  opcodeName,
  statusName,
  WorkCompletionStatus,
  type WorkCompletion,
} from './work-completion.ts';

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
  readonly #receivers: ({ outstanding: number } | undefined)[] = [];
  /** What completed receives have besides; `Received` goes on. Absent where nothing is received. */
  readonly received: Uint32Array | undefined;

  constructor(context: Context, backend: Backend, contextHandle: number, depth: number) {
    super(context);
    const raw = backend.createCompletionQueue(contextHandle, depth);
    this.#backend = backend;
    this.handle = raw.queue;
    this.depth = depth;
    this.words = new Uint32Array(raw.ring);
    this.#mask = depth - 1;
    this.#needsPoll = raw.needsPoll;
    this.received = raw.received === undefined ? undefined : new Uint32Array(raw.received);
    this.attach();
  }

  /**
   * Lets `consume` keep the count of a queue pair that completes here, or of its receives: then with
   * `RECEIVE_QUEUE` added to its handle.
   */
  serve(name: number, user: { outstanding: number }): void {
    if (name < RECEIVE_QUEUE) this.#users[name] = user;
    else this.#receivers[name - RECEIVE_QUEUE] = user;
  }

  /** Takes a place, or refuses: an overrun is fatal on hardware. */
  reserve(verb: string): void {
    if (this.outstanding >= this.depth)
      throw refuse(verb, 'ENOMEM', 'the completion queue could overrun: poll it first');
    this.outstanding++;
  }

  /**
   * Ends `serve` once the provider has destroyed the queue pair. What it had outstanding will never
   * complete, except what waits here already: that is given back when it is consumed.
   */
  forget(name: number): void {
    const user = this.#userOf(name);
    if (user === undefined) return;
    if (name < RECEIVE_QUEUE) this.#users[name] = undefined;
    else this.#receivers[name - RECEIVE_QUEUE] = undefined;
    const { waiting } = this;
    let retired = 0;
    for (let n = 0; n < waiting; n++) {
      const at = this.at(n);
      if (this.words[at + CompletionEntry.queuePair] !== name) continue;
      retired += this.words[at + CompletionEntry.retired];
      // A later queue pair may get the same handle, and these are not its completions.
      this.words[at + CompletionEntry.queuePair] = NOBODY;
    }
    this.outstanding -= user.outstanding - retired;
  }

  /**
   * How many completions wait to be read. Never blocks; but where the provider must be asked, it is
   * asked again, for two microseconds or so, while there are fewer than `atLeast`. ibv_poll_cq(3).
   */
  poll(atLeast = 0): number {
    if (this.#needsPoll) this.#backend.pollCompletionQueue(this.handle, atLeast);
    return this.waiting;
  }

  /** The same, without asking a provider that must be asked. */
  get waiting(): number {
    return (this.words[Ring.producer] - this.words[Ring.consumer]) | 0;
  }

  /** Where in `words` the n-th waiting completion begins (0 = oldest); `CompletionEntry` goes on. */
  at(n: number): number {
    return Ring.entries + ((this.words[Ring.consumer] + n) & this.#mask) * CompletionEntry.words;
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
      const user = this.#userOf(words[at + CompletionEntry.queuePair]);
      // A queue pair may be closed while its last completions wait here.
      if (user !== undefined) user.outstanding -= retired;
    }
    words[Ring.consumer] += count;
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
      ...this.#receivedWith(0),
    };
    this.consume(1);
    return completion;
  }

  /** Where in `received` the n-th waiting completion begins, which is that of a receive. */
  receivedAt(n: number): number {
    return ((this.words[Ring.consumer] + n) & this.#mask) * Received.words;
  }

  #receivedWith(n: number): Pick<WorkCompletion, 'immediate' | 'sourceQueuePairNumber'> {
    const words = this.received;
    const ok = this.word(n, CompletionEntry.status) === WorkCompletionStatus.success;
    if (words === undefined || !ok || this.word(n, CompletionEntry.queuePair) < RECEIVE_QUEUE)
      return {};
    const at = this.receivedAt(n);
    const flags = words[at + Received.flags];
    const immediate = words[at + Received.immediate];
    const sourceQueuePairNumber = words[at + Received.sourceQueuePairNumber];
    return {
      ...((flags & ReceivedFlags.immediate) === 0 ? {} : { immediate }),
      ...((flags & ReceivedFlags.globalHeader) === 0 ? {} : { sourceQueuePairNumber }),
    };
  }

  #userOf(name: number): { outstanding: number } | undefined {
    if (name < RECEIVE_QUEUE) return this.#users[name];
    return name === NOBODY ? undefined : this.#receivers[name - RECEIVE_QUEUE];
  }

  protected release(): void {
    this.#backend.destroyCompletionQueue(this.handle);
  }
}
