import { strict as assert } from 'node:assert';
import {
  CircularArea,
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
import type { SendRing } from '@mu-smr/verbs';
import { quorumOffset } from '../core/majority.ts';
import { EntryWrites } from './entry-writes.ts';
import type { Lane, ReplicationMemory } from './lane.ts';
import type { Quorum } from './membership.ts';

/** Entries whose end offset is remembered until they are decided; above `outstandingMax`. */
const ENDS = 4096;

/**
 * Mu's fast path: one entry, one RDMA write to each confirmed follower, a majority of completions.
 *
 * It reads top to bottom: `room`, `stage`, `post`, `completed`, `settle`. `replicateNow` is all of
 * them at once, where completions take no time. Nothing here allocates.
 */
export class FastPath {
  /** Where the next entry goes. */
  tail = LOG_BEGIN;
  /** Everything below is decided (the leader's FUO). */
  decided = LOG_BEGIN;
  /** Entries at and above this would lap a log that is still read. */
  limit = LOG_BEGIN;
  readonly writer: EntryWriter;
  /** What `replicateNow` was given last, as it stands in its entry. */
  readonly staged: CommandViews;
  readonly #writes: EntryWrites;
  readonly #acknowledged: Float64Array;
  readonly #ends = new Float64Array(ENDS);
  readonly #area: CircularArea;
  /** Where all that the replication plane posts completes. */
  readonly #completions: { readonly outstanding: number };
  readonly #geometry: LogGeometry;
  readonly #quorum: Quorum;
  readonly #self: number;
  readonly #ringBytes: number;
  readonly #outstandingMax: number;
  /** Serial number of the next entry, and of the first that is not decided. */
  #next = 0;
  #first = 0;
  #stagedAt = 0;

  constructor(options: {
    readonly self: number;
    readonly slots: number;
    readonly quorum: Quorum;
    readonly memory: ReplicationMemory;
    readonly sendRing: SendRing;
    readonly completionQueue: { readonly outstanding: number };
    readonly geometry: LogGeometry;
    readonly nonce: GroupNonce;
    readonly stagingRingBytes: number;
    readonly outstandingMax: number;
  }) {
    this.#writes = new EntryWrites(options.sendRing, options.memory.staging);
    this.#completions = options.completionQueue;
    this.#geometry = options.geometry;
    this.#self = options.self;
    this.#quorum = options.quorum;
    this.#acknowledged = new Float64Array(options.slots);
    this.#area = new CircularArea(options.geometry);
    this.#ringBytes = options.stagingRingBytes;
    this.#outstandingMax = Math.min(options.outstandingMax, ENDS);
    const staging = options.memory.staging.bytes.subarray(0, options.stagingRingBytes);
    this.writer = new EntryWriter(staging, options.nonce);
    this.staged = new CommandViews(staging, Entry.payload);
  }

  /** Begins an epoch at `tail`, with everything below decided and at every active lane. */
  begin(epoch: number, tail: LogOffset, proposal: ProposalNumber, active: readonly Lane[]): void {
    this.#writes.begin(epoch, active);
    this.tail = tail;
    this.decided = tail;
    this.#next = 0;
    this.#first = 0;
    this.writer.proposal = proposal;
    this.writer.firstUndecided = tail;
    this.#acknowledged.fill(0);
    for (const lane of active) this.#acknowledged[lane.to] = tail;
  }

  get active(): readonly Lane[] {
    return this.#writes.active;
  }

  get outstanding(): number {
    return this.#next - this.#first;
  }

  /** How far the log at the end of a lane is known to hold what we wrote. */
  acknowledged(lane: number): LogOffset {
    return this.#acknowledged[lane] as LogOffset;
  }

  /** Whether an entry with that payload may be posted now: window, ring and pipeline have room. */
  room(payloadBytes: number): boolean {
    const bytes = entryBytes(payloadBytes);
    const end = this.tail + this.#area.padBefore(this.tail, bytes) + bytes;
    return (
      end - this.decided <= this.#geometry.windowBytes &&
      end <= this.limit &&
      this.#next - this.#first + 2 <= this.#outstandingMax &&
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
      if (end - this.#acknowledged[lane.to] > this.#geometry.windowBytes) return lane;
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
    // Nobody reads staged bytes any more: begin where they are in the processor's nearest cache.
    if (!this.underWay) this.#stagedAt = 0;
    if (this.#stagedAt + bytes > this.#ringBytes) this.#stagedAt = 0;
    return this.writer.payloadAt(this.#stagedAt);
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
      this.#carryNow(at, this.writer.header(at, offset, kindAndCount, payloadBytes));
    }
    return offset;
  }

  /**
   * Replicates one command whose writes are over when this returns: it is decided then, unless one was
   * refused, and stands in `staged`. False, and nothing was done, where writes take their time, where
   * something is under way or undecided, and without room.
   */
  replicateNow(command: Uint8Array): boolean {
    const bytes = entryBytes(command.length);
    const offset = this.tail;
    if (!this.#writes.immediate || this.underWay || this.decided !== offset) return false;
    if (offset + bytes > this.limit || this.#area.untilEnd(offset) < bytes) return false;

    this.writer.command(0, offset, command);
    const votes = this.#carryNow(0, bytes);
    // I16: where a write was refused, its completion comes first, and says whether the epoch is over.
    const all = !this.underWay && this.#acknowledged[this.#self] === this.tail;
    if (all && votes >= this.#quorum.majority) this.#decide(this.tail);
    return true;
  }

  doorbell(): void {
    this.#writes.doorbell();
  }

  /** An entry's write completed: `serial` is the low word of its work request id. */
  completed(lane: number, serial: number): void {
    this.#acknowledged[lane] = this.#ends[serial & (ENDS - 1)];
  }

  /**
   * Advances what is decided, by the acknowledgements so far. A majority of all members is
   * needed, and our own log beside it, so that we can apply what we decide (I7).
   */
  settle(): LogOffset {
    const { voters, majority } = this.#quorum;
    const quorum = quorumOffset(this.#acknowledged, voters, majority);
    const own = this.#acknowledged[this.#self];
    const decided = (own < quorum ? own : quorum) as LogOffset;
    if (decided > this.decided) this.#decide(decided);
    return this.decided;
  }

  /** Stops writing to a follower. What it acknowledged stays counted: it is in its log. */
  drop(to: number): void {
    this.#writes.to(this.active.filter((lane) => lane.to !== to));
  }

  /** Adds a follower whose log holds everything up to the tail once its lane's posted writes are done. */
  add(lane: Lane, upTo: LogOffset): void {
    assert(!this.active.includes(lane), 'a lane is added once');
    this.#acknowledged[lane.to] = upTo;
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
    this.#acknowledged[to] = 0;
  }

  #decide(offset: LogOffset): void {
    this.decided = offset;
    this.writer.firstUndecided = offset;
    while (this.#first < this.#next && this.#ends[this.#first & (ENDS - 1)] <= offset)
      this.#first++;
  }

  #postPad(bytes: number): void {
    if (this.#stagedAt + bytes > this.#ringBytes) this.#stagedAt = 0;
    const at = this.#stagedAt;
    this.writer.pad(at, this.tail, bytes);
    this.#writes.post(at, bytes, this.#area.position(this.tail), this.#take(at, bytes));
  }

  /** Posts the bytes that are staged at `at`, and takes in who has them already. Returns their votes. */
  #carryNow(at: number, bytes: number): number {
    const position = this.#area.position(this.tail);
    const done = this.#writes.now(at, bytes, position, this.#take(at, bytes));
    if (done === 0) return 0;
    const { active } = this.#writes;
    const { voters } = this.#quorum;
    let votes = 0;
    for (let n = 0; n < active.length; n++) {
      if ((done & (1 << n)) === 0) continue;
      const { to } = active[n];
      this.#acknowledged[to] = this.tail;
      votes += voters[to];
    }
    return votes;
  }

  /** Takes the entry's place in the log, in staging, and among those that are not decided. */
  #take(at: number, bytes: number): number {
    const serial = this.#next;
    this.tail = (this.tail + bytes) as LogOffset;
    this.#stagedAt = at + bytes;
    this.#ends[serial & (ENDS - 1)] = this.tail;
    this.#next = serial + 1;
    return serial;
  }
}
