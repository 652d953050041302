import { strict as assert } from 'node:assert';
import {
  CircularArea,
  CommandReader,
  CommandViews,
  Entry,
  entryBytes,
  EntryWriter,
  LOG_BEGIN,
  type GroupNonce,
  type LogGeometry,
  type LogOffset,
  type ProposalNumber,
} from '@mu-smr/log';
import type { CompletionQueue, SendRing } from '@mu-smr/verbs';
import { Acknowledgements, ENTRIES_REMEMBERED } from './acknowledgements.ts';
import { EntryWrites } from './entry-writes.ts';
import type { Lane, ReplicationMemory } from './lane.ts';
import type { Quorum } from './membership.ts';

/**
 * Mu's fast path: one entry, one RDMA write to each confirmed follower, a majority of completions.
 *
 * It reads top to bottom: `room`, `stage`, `post`, `completed`, `settle`. `replicate` is all of them at
 * once for one command that a majority has soon. Nothing here allocates.
 */
export class FastPath {
  /** Where the next entry goes. */
  tail = LOG_BEGIN;
  /** Everything below is decided (the leader's FUO). */
  decided = LOG_BEGIN;
  /** Entries at and above this would lap a log that is still read. */
  limit = LOG_BEGIN;
  readonly writer: EntryWriter;
  /** What stands first in staging, and what stands elsewhere. */
  readonly #firstStaged: CommandViews;
  readonly #staged: CommandReader;
  readonly #writes: EntryWrites;
  readonly #acknowledged: Acknowledgements;
  readonly #area: CircularArea;
  readonly #completions: CompletionQueue;
  readonly #geometry: LogGeometry;
  readonly #quorum: Quorum;
  readonly #self: number;
  readonly #ringBytes: number;
  readonly #outstandingMax: number;
  #stagedAt = 0;
  /** Where the entry of `replicate` ends that the provider waits for. */
  #awaited = -1;

  constructor(options: {
    readonly self: number;
    readonly slots: number;
    readonly quorum: Quorum;
    readonly memory: ReplicationMemory;
    readonly sendRing: SendRing;
    readonly completionQueue: CompletionQueue;
    readonly geometry: LogGeometry;
    readonly nonce: GroupNonce;
    readonly stagingRingBytes: number;
    readonly outstandingMax: number;
  }) {
    this.#writes = new EntryWrites(
      options.self,
      options.sendRing,
      options.completionQueue,
      options.memory.staging,
    );
    this.#completions = options.completionQueue;
    this.#geometry = options.geometry;
    this.#self = options.self;
    this.#quorum = options.quorum;
    this.#acknowledged = new Acknowledgements(options.self, options.slots, options.quorum);
    this.#area = new CircularArea(options.geometry);
    this.#ringBytes = options.stagingRingBytes;
    this.#outstandingMax = Math.min(options.outstandingMax, ENTRIES_REMEMBERED);
    const staging = options.memory.staging.bytes.subarray(0, options.stagingRingBytes);
    this.writer = new EntryWriter(staging, options.nonce);
    this.#firstStaged = new CommandViews(staging, Entry.payload);
    this.#staged = new CommandReader(staging);
  }

  /** Begins an epoch at `tail`, with everything below decided and at every active lane. */
  begin(epoch: number, tail: LogOffset, proposal: ProposalNumber, active: readonly Lane[]): void {
    this.#writes.begin(epoch, active);
    this.tail = tail;
    this.decided = tail;
    this.writer.proposal = proposal;
    this.writer.firstUndecided = tail;
    this.#acknowledged.begin(tail, active);
  }

  /** Waits for no entry any more: the epoch is over, or its lanes are others. */
  end(): void {
    this.#awaited = -1;
  }

  get active(): readonly Lane[] {
    return this.#writes.active;
  }

  get outstanding(): number {
    return this.#acknowledged.outstanding;
  }

  /** How far the log at the end of a lane is known to hold what we wrote. */
  acknowledged(lane: number): LogOffset {
    return this.#acknowledged.of(lane);
  }

  /** Whether an entry with that payload may be posted now: window, ring and pipeline have room. */
  room(payloadBytes: number): boolean {
    const bytes = entryBytes(payloadBytes);
    const end = this.tail + this.#area.padBefore(this.tail, bytes) + bytes;
    return (
      end - this.decided <= this.#geometry.windowBytes &&
      end <= this.limit &&
      this.outstanding + 2 <= this.#outstandingMax &&
      (!this.underWay || this.slowest(end) === undefined)
    );
  }

  /**
   * A confirmed follower so far behind `end` that its queue, or the staged bytes its writes still
   * need, would be overrun. Whoever waits for room drops it in the end: it must not hold up the rest.
   */
  slowest(end: LogOffset | number = this.tail): Lane | undefined {
    for (const lane of this.#writes.active) {
      const { outstanding, sendQueueDepth } = lane.queuePair;
      if (end - this.#acknowledged.of(lane.to) > this.#geometry.windowBytes) return lane;
      if (outstanding + 4 > sendQueueDepth) return lane;
    }
    return undefined;
  }

  /** Whether completions are to come: staged bytes are read until then. */
  get underWay(): boolean {
    return this.#completions.outstanding > 0;
  }

  /** Where in staging the payload of the next entry is to be put; valid until `post`. */
  stage(payloadBytes: number): number {
    const bytes = entryBytes(payloadBytes);
    const pad = this.#area.padBefore(this.tail, bytes);
    if (pad > 0) this.#postPad(pad);
    return this.writer.payloadAt(this.#placeFor(bytes));
  }

  /** Posts the staged entry to every confirmed follower; the caller rings the doorbell. Returns its offset. */
  post(kindAndCount: number, payloadBytes: number): LogOffset {
    const offset = this.tail;
    const at = this.#stagedAt;
    const bytes = this.writer.header(at, offset, kindAndCount, payloadBytes);
    this.#writes.post(at, bytes, this.#area.position(offset), this.#take(at, bytes));
    return offset;
  }

  /** The same, and rings the doorbell. */
  postNow(kindAndCount: number, payloadBytes: number): LogOffset {
    const offset = this.tail;
    if (this.#writes.immediate && this.underWay) {
      this.post(kindAndCount, payloadBytes);
      this.doorbell();
    } else {
      const at = this.#stagedAt;
      this.#carryNow(at, this.writer.header(at, offset, kindAndCount, payloadBytes), 0);
    }
    return offset;
  }

  /**
   * Posts one command alone, rings the doorbell, and waits a little: if all goes well it is decided when
   * this returns, else `look`. False, and nothing was done, while anything before it is undecided
   * or in the way.
   */
  replicate(command: Uint8Array): boolean {
    const bytes = entryBytes(command.length);
    const offset = this.tail;
    const end = offset + bytes;
    if (this.decided !== offset || end > this.limit || this.#area.untilEnd(offset) < bytes)
      return false;
    if (this.underWay && (this.#writes.immediate || this.slowest(end) !== undefined)) return false;

    const at = this.#placeFor(bytes);
    this.writer.command(at, offset, command);
    const { majority } = this.#quorum;
    const votes = this.#carryNow(at, bytes, majority);
    // I16: what came of a write that was refused says whether the epoch is over, and is looked at first.
    const told = !this.underWay || this.#completions.waiting === 0;
    const enough = votes >= majority && this.#acknowledged.of(this.#self) === this.tail;
    if (enough && told) this.#decide(this.tail);
    this.#awaited = this.tail;
    return true;
  }

  /**
   * Asks the provider for what is done; how many completions wait. Of the entry of `replicate`, while it
   * is the last one and not decided, the provider tells without them.
   */
  look(): number {
    const { outstanding } = this.#completions;
    if (this.#awaited !== this.tail || this.decided === this.tail)
      return this.#completions.poll(Math.min(outstanding, this.#quorum.majority));
    this.#acknowledged.found(this.#writes.again(), this.#writes, this.tail);
    return this.#completions.waiting;
  }

  /** The command of the last entry, of which it is the only one, as it stands in staging. */
  lastCommand(length: number): Uint8Array {
    const at = this.#stagedAt - entryBytes(length);
    return at === 0
      ? this.#firstStaged.of(length)
      : this.#staged.read(this.writer.payloadAt(at), length);
  }

  doorbell(): void {
    this.#writes.doorbell();
  }

  /** An entry's write completed: `serial` is the low word of its work request id. */
  completed(lane: number, serial: number): void {
    this.#acknowledged.completed(lane, serial);
  }

  /** Advances what is decided, by the acknowledgements so far. */
  settle(): LogOffset {
    if (this.decided === this.tail) return this.tail;
    const decided = this.#acknowledged.decided();
    if (decided > this.decided) this.#decide(decided);
    return this.decided;
  }

  /** Stops writing to a follower. What it acknowledged stays counted: it is in its log. */
  drop(to: number): void {
    this.end();
    this.#writes.to(this.active.filter((lane) => lane.to !== to));
  }

  /** Adds a follower whose log holds everything up to the tail once its lane's posted writes are done. */
  add(lane: Lane, upTo: LogOffset): void {
    assert(!this.active.includes(lane), 'a lane is added once');
    this.#acknowledged.set(lane.to, upTo);
    this.end();
    this.#writes.to([...this.active, lane]);
  }

  /** Whether enough followers are confirmed to decide anything, ourselves among them. */
  get hasMajority(): boolean {
    return this.hasMajorityWithout([]);
  }

  /** The same, had we not these. */
  hasMajorityWithout(missing: readonly Lane[]): boolean {
    const rest = this.active.filter((lane) => !missing.includes(lane));
    const { voters, majority } = this.#quorum;
    const votes = rest.reduce((count, lane) => count + voters[lane.to], 0);
    return votes >= majority && rest.some((lane) => lane.to === this.#self);
  }

  /** Another replica is to be at the end of this lane: what the last one held went with it. */
  forget(to: number): void {
    this.#acknowledged.set(to, LOG_BEGIN);
  }

  #decide(offset: LogOffset): void {
    this.decided = offset;
    this.writer.firstUndecided = offset;
    this.#acknowledged.settle(offset);
  }

  #postPad(bytes: number): void {
    const at = this.#placeFor(bytes);
    this.writer.pad(at, this.tail, bytes);
    this.#writes.post(at, bytes, this.#area.position(this.tail), this.#take(at, bytes));
  }

  /**
   * Posts the bytes that are staged at `at`, waits a little for `needed` logs, and takes in who has them.
   * Returns their votes.
   */
  #carryNow(at: number, bytes: number, needed: number): number {
    const position = this.#area.position(this.tail);
    const found = this.#writes.now(at, bytes, position, this.#take(at, bytes), needed);
    return this.#acknowledged.found(found, this.#writes, this.tail);
  }

  /** Where the next entry is put together. */
  #placeFor(bytes: number): number {
    // Nobody reads staged bytes any more: begin where they are in the processor's nearest cache.
    if (!this.underWay || this.#stagedAt + bytes > this.#ringBytes) this.#stagedAt = 0;
    return this.#stagedAt;
  }

  /** Takes the entry's place in the log, in staging, and among those that are not decided. */
  #take(at: number, bytes: number): number {
    this.tail = (this.tail + bytes) as LogOffset;
    this.#stagedAt = at + bytes;
    return this.#acknowledged.posted(this.tail);
  }
}
