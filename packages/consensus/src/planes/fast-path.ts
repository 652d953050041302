import { strict as assert } from 'node:assert';
import {
  CircularArea,
  entryBytes,
  EntryWriter,
  LOG_BEGIN,
  type GroupNonce,
  type LogGeometry,
  type LogOffset,
  type ProposalNumber,
} from '@mu-smr/log';
import { Opcode, SendFlags, type SendRing, type WriteTargets } from '@mu-smr/verbs';
import { quorumOffset } from '../core/majority.ts';
import { LanePurpose, laneTag, type Lane, type ReplicationMemory } from './lane.ts';
import type { Quorum } from './membership.ts';

const WRITE = Opcode.rdmaWrite | SendFlags.signaled;
const WRITE_SEALED = WRITE | SendFlags.seal;
/** Entries whose end offset is remembered until they are decided; above `outstandingMax`. */
const ENDS = 4096;
/** How much of staging is used while one entry after the other is posted: a part of the first cache. */
const WARM_STAGING_BYTES = 16 * 1024;

/**
 * Mu's fast path: one entry, one RDMA write to each confirmed follower, a majority of completions.
 *
 * It reads top to bottom: `room`, `post`, `completed`, `decided`. Nothing here allocates.
 */
export class FastPath {
  /** Where the next entry goes. */
  tail = LOG_BEGIN;
  /** Everything below is decided (the leader's FUO). */
  decided = LOG_BEGIN;
  /** Entries at and above this would lap a log that is still read. */
  limit = LOG_BEGIN;
  readonly writer: EntryWriter;
  /** Confirmed lanes, in the order they are posted to. */
  #active: Lane[] = [];
  #targets: WriteTargets = targetsOf([], 0);
  readonly #acknowledged: Float64Array;
  readonly #ends = new Float64Array(ENDS);
  readonly #area: CircularArea;
  readonly #memory: ReplicationMemory;
  readonly #sendRing: SendRing;
  /** Where all that the replication plane posts completes. */
  readonly #completions: { readonly outstanding: number };
  readonly #geometry: LogGeometry;
  readonly #quorum: Quorum;
  readonly #self: number;
  readonly #ringBytes: number;
  readonly #outstandingMax: number;
  #epoch = 0;
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
    this.#memory = options.memory;
    this.#sendRing = options.sendRing;
    this.#completions = options.completionQueue;
    this.#geometry = options.geometry;
    this.#self = options.self;
    this.#quorum = options.quorum;
    this.#acknowledged = new Float64Array(options.slots);
    this.#area = new CircularArea(options.geometry);
    this.#ringBytes = options.stagingRingBytes;
    this.#outstandingMax = Math.min(options.outstandingMax, ENDS);
    this.writer = new EntryWriter(
      options.memory.staging.bytes.subarray(0, options.stagingRingBytes),
      options.nonce,
    );
  }

  /** Begins an epoch at `tail`, with everything below decided and at every active lane. */
  begin(epoch: number, tail: LogOffset, proposal: ProposalNumber, active: readonly Lane[]): void {
    this.#epoch = epoch;
    this.#setActive(active);
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
    return this.#active;
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
      (this.#nothingUnderWay || this.slowest(end) === undefined)
    );
  }

  /**
   * A confirmed follower so far behind `end` that its queue, or the staged bytes its writes still
   * need, would be overrun. Whoever waits for room drops it in the end: it must not hold up the rest.
   */
  slowest(end: LogOffset | number = this.tail): Lane | undefined {
    for (const lane of this.#active) {
      const { outstanding, sendQueueDepth } = lane.queuePair;
      if (end - this.#acknowledged[lane.to] > this.#geometry.windowBytes) return lane;
      if (outstanding + 4 > sendQueueDepth) return lane;
    }
    return undefined;
  }

  get #nothingUnderWay(): boolean {
    return this.#completions.outstanding === 0;
  }

  /** Where in staging the payload of the next entry is to be put; valid until `post`. */
  stage(payloadBytes: number): number {
    const bytes = entryBytes(payloadBytes);
    const pad = this.#area.padBefore(this.tail, bytes);
    if (pad > 0) this.#postPad(pad);
    // Nobody reads staged bytes any more: begin where they are in the processor's nearest cache.
    if (this.#stagedAt > WARM_STAGING_BYTES && this.#nothingUnderWay) this.#stagedAt = 0;
    if (this.#stagedAt + bytes > this.#ringBytes) this.#stagedAt = 0;
    return this.writer.payloadAt(this.#stagedAt);
  }

  /** Posts the staged entry to every confirmed follower; the caller rings the doorbell. Returns its offset. */
  post(kindAndCount: number, payloadBytes: number): LogOffset {
    const offset = this.tail;
    const at = this.#stagedAt;
    const bytes = this.writer.header(at, offset, kindAndCount, payloadBytes);
    this.#carry(at, bytes);
    return offset;
  }

  doorbell(): void {
    this.#sendRing.doorbell();
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
    if (decided > this.decided) {
      this.decided = decided;
      this.writer.firstUndecided = decided;
      while (this.#first < this.#next && this.#ends[this.#first & (ENDS - 1)] <= decided)
        this.#first++;
    }
    return this.decided;
  }

  /** Stops writing to a follower. What it acknowledged stays counted: it is in its log. */
  drop(to: number): void {
    this.#setActive(this.#active.filter((lane) => lane.to !== to));
  }

  /** Adds a follower whose log holds everything up to the tail once its lane's posted writes are done. */
  add(lane: Lane, upTo: LogOffset): void {
    assert(!this.#active.includes(lane), 'a lane is added once');
    this.#acknowledged[lane.to] = upTo;
    this.#setActive([...this.#active, lane].sort((a, b) => a.to - b.to));
  }

  /** Whether enough followers are confirmed to decide anything, ourselves among them. */
  get hasMajority(): boolean {
    return this.hasMajorityWithout([]);
  }

  /** The same, had we not these. */
  hasMajorityWithout(missing: readonly Lane[]): boolean {
    const rest = this.#active.filter((lane) => !missing.includes(lane));
    const { voters, majority } = this.#quorum;
    const votes = rest.reduce((count, lane) => count + voters[lane.to], 0);
    return votes >= majority && rest.some((lane) => lane.to === this.#self);
  }

  /** Another replica is to be at the end of this lane: what the last one held went with it. */
  forget(to: number): void {
    this.#acknowledged[to] = 0;
  }

  #postPad(bytes: number): void {
    if (this.#stagedAt + bytes > this.#ringBytes) this.#stagedAt = 0;
    this.writer.pad(this.#stagedAt, this.tail, bytes);
    this.#carry(this.#stagedAt, bytes);
  }

  #carry(at: number, bytes: number): void {
    const serial = this.#next;
    const position = this.#area.position(this.tail);
    this.tail = (this.tail + bytes) as LogOffset;
    this.#stagedAt = at + bytes;
    this.#ends[serial & (ENDS - 1)] = this.tail;
    this.#next = serial + 1;

    if (this.#sendRing.immediate && this.#nothingUnderWay) {
      this.#carryNow(at, bytes, position, serial);
      return;
    }
    // The first work request seals the bytes for all: they are the same memory.
    this.#sendRing.postToAll(
      this.#targets,
      WRITE_SEALED,
      WRITE,
      this.#memory.staging.handle,
      at,
      bytes,
      position,
      serial >>> 0,
    );
  }

  /** Where work requests are over at once: acknowledgements without completions. */
  #carryNow(at: number, bytes: number, position: number, serial: number): void {
    const done = this.#sendRing.writeNow(
      this.#targets,
      WRITE_SEALED,
      WRITE,
      this.#memory.staging.handle,
      at,
      bytes,
      position,
      serial >>> 0,
    );
    const active = this.#active;
    for (let n = 0; n < active.length; n++)
      if ((done & (1 << n)) !== 0) this.#acknowledged[active[n].to] = this.tail;
  }

  #setActive(lanes: readonly Lane[]): void {
    this.#active = [...lanes];
    this.#targets = targetsOf(lanes, this.#epoch);
  }
}

function targetsOf(lanes: readonly Lane[], epoch: number): WriteTargets {
  return {
    queuePairs: lanes.map((lane) => lane.queuePair),
    remoteKeys: Uint32Array.from(lanes, (lane) => lane.logKey),
    workRequestIdsHigh: Uint32Array.from(lanes, (lane) =>
      laneTag(lane.to, LanePurpose.entry, epoch),
    ),
  };
}
