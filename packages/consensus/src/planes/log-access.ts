import {
  CircularArea,
  COMMIT_CELL_BYTES,
  EntryView,
  HeaderCell,
  undoPosition,
  writeCommit,
  type CommitAnnouncement,
  type GroupNonce,
  type LogGeometry,
  type LogOffset,
} from '@mu-smr/log';
import { Opcode, SendFlags, type SendRing } from '@mu-smr/verbs';
import type { ObservedSlot } from '../core/value-choice.ts';
import type { FastPath } from './fast-path.ts';
import { LanePurpose, laneTag, type Lane, type ReplicationMemory } from './lane.ts';
import type { Rounds, Waiting } from './round.ts';
import { SLOT_PEEK_BYTES, type StagingLayout } from './staging.ts';

const READ = Opcode.rdmaRead | SendFlags.signaled;
const WRITE = Opcode.rdmaWrite | SendFlags.signaled;

/** One confirmed follower's slot as it was read. */
export interface SlotRead {
  readonly lane: Lane;
  readonly slot: ObservedSlot;
}

/** One-sided operations of the slow path: reads and writes of peers' logs, each counted by `Rounds`. */
export class LogAccess {
  readonly area: CircularArea;
  readonly staging: Uint8Array;
  readonly layout: StagingLayout;
  readonly #fastPath: FastPath;
  readonly #rounds: Rounds;
  readonly #sendRing: SendRing;
  readonly #memory: ReplicationMemory;
  readonly #view: EntryView;
  readonly #ownView: EntryView;
  readonly #undo: number;
  epoch = 0;

  constructor(options: {
    readonly geometry: LogGeometry;
    readonly layout: StagingLayout;
    readonly nonce: GroupNonce;
    readonly fastPath: FastPath;
    readonly rounds: Rounds;
    readonly sendRing: SendRing;
    readonly memory: ReplicationMemory;
  }) {
    this.area = new CircularArea(options.geometry);
    this.layout = options.layout;
    this.staging = options.memory.staging.bytes;
    this.#fastPath = options.fastPath;
    this.#rounds = options.rounds;
    this.#sendRing = options.sendRing;
    this.#memory = options.memory;
    this.#view = new EntryView(this.staging, options.nonce);
    this.#ownView = new EntryView(options.memory.log.bytes, options.nonce);
    this.#undo = undoPosition(options.geometry);
  }

  /** Reads `length` bytes at `position` of the lane's log into staging at `into`. */
  read(
    lane: Lane,
    position: number,
    length: number,
    into: number,
    purpose: number = LanePurpose.round,
  ): void {
    if (purpose === LanePurpose.round) this.#rounds.posted(lane.to);
    const tag = laneTag(lane.to, purpose, this.epoch);
    const { handle } = this.#memory.staging;
    this.#sendRing.post(lane.queuePair, READ, handle, into, length, lane.logKey, position, 0, tag);
  }

  /** Writes staged bytes to `position` of the lane's log. */
  write(
    lane: Lane,
    from: number,
    length: number,
    position: number,
    purpose: number = LanePurpose.round,
  ): void {
    if (purpose === LanePurpose.round) this.#rounds.posted(lane.to);
    const tag = laneTag(lane.to, purpose, this.epoch);
    const { handle } = this.#memory.staging;
    this.#sendRing.post(lane.queuePair, WRITE, handle, from, length, lane.logKey, position, 0, tag);
  }

  /** Tells the follower at the end of a lane what is decided and what may be released. */
  announce(lane: Lane, commit: CommitAnnouncement, purpose: number = LanePurpose.round): void {
    const at = this.layout.commitAt(lane.to);
    writeCommit(this.staging, at, commit);
    if (purpose === LanePurpose.round) this.#rounds.posted(lane.to);
    const tag = laneTag(lane.to, purpose, this.epoch);
    const { handle } = this.#memory.staging;
    const { commit: cell } = HeaderCell;
    this.#sendRing.post(
      lane.queuePair,
      WRITE,
      handle,
      at,
      COMMIT_CELL_BYTES,
      lane.logKey,
      cell,
      0,
      tag,
    );
  }

  /** Posts a write without effect, which succeeds only while we hold the permission. */
  prove(lane: Lane, serial: number, purpose: number = LanePurpose.proof): void {
    if (purpose === LanePurpose.round) this.#rounds.posted(lane.to);
    const tag = laneTag(lane.to, purpose, this.epoch);
    const { handle } = this.#memory.staging;
    const from = this.layout.proofAt(lane.to);
    this.#sendRing.post(
      lane.queuePair,
      WRITE,
      handle,
      from,
      8,
      lane.logKey,
      HeaderCell.proof,
      serial,
      tag,
    );
  }

  /** Writes `[from, to)` of our own log to the same place of the lane's. */
  copyOwn(lane: Lane, from: LogOffset, to: LogOffset, purpose: number = LanePurpose.round): void {
    const tag = laneTag(lane.to, purpose, this.epoch);
    for (const { position, length } of this.area.stretches(from, to)) {
      if (purpose === LanePurpose.round) this.#rounds.posted(lane.to);
      const { handle } = this.#memory.log;
      this.#sendRing.post(
        lane.queuePair,
        WRITE,
        handle,
        position,
        length,
        lane.logKey,
        position,
        0,
        tag,
      );
    }
  }

  /** An entry view over staging. */
  viewAt(position: number): EntryView {
    return this.#view.moveTo(position);
  }

  /** An entry view over our own log. */
  ownViewAt(offset: LogOffset): EntryView {
    return this.#ownView.moveTo(this.area.position(offset));
  }

  /** Saves what was read from a lane's slot in its undo slot, before the slot is overwritten. */
  saveForUndo(lane: Lane, bytes: number): void {
    // In order on one queue pair: the first byte of the slot changes after the last one here.
    this.write(lane, this.layout.slotAt(lane.to), bytes, this.#undo, LanePurpose.announce);
  }

  /**
   * Proves that nobody else could write these logs while they were read: reads need no permission, and
   * a slot that another leader is just writing anew looks like one that was cut off.
   *
   * A round of its own, because a write may overtake the read before it.
   */
  *proveReads(): Waiting<void> {
    for (const lane of this.#fastPath.active) this.prove(lane, 0, LanePurpose.round);
    yield* this.#rounds.settle();
  }

  /**
   * Reads the slot at `offset` of every confirmed follower; the bytes stay in each lane's staging
   * area. Slots that are longer than a peek are read again, whole.
   */
  *readSlots(offset: LogOffset): Waiting<SlotRead[]> {
    this.postSlotReads(offset);
    yield* this.#rounds.settle();
    return yield* this.slotsRead(offset);
  }

  /** The first half of `readSlots`, for a round that does something else, too. */
  postSlotReads(offset: LogOffset): void {
    const position = this.area.position(offset);
    const length = Math.min(this.#slotLimit(offset), SLOT_PEEK_BYTES);
    for (const lane of this.#fastPath.active)
      this.read(lane, position, length, this.layout.slotAt(lane.to));
  }

  /** The second, once that round is over. */
  *slotsRead(offset: LogOffset): Waiting<SlotRead[]> {
    const position = this.area.position(offset);
    const limit = this.#slotLimit(offset);
    const view = (lane: Lane): EntryView => this.viewAt(this.layout.slotAt(lane.to));
    let longer = false;
    for (const lane of this.#fastPath.active) {
      if (!view(lane).headerFits(offset, limit) || view(lane).totalBytes <= SLOT_PEEK_BYTES)
        continue;
      this.read(lane, position, view(lane).totalBytes, this.layout.slotAt(lane.to));
      longer = true;
    }
    if (longer) yield* this.#rounds.settle();

    return this.#fastPath.active.map((lane) => {
      const slot: ObservedSlot = view(lane).accepted(offset, limit)
        ? { kind: 'accepted', proposal: view(lane).proposal }
        : { kind: 'empty' };
      return { lane, slot };
    });
  }

  #slotLimit(offset: LogOffset): number {
    return Math.min(this.area.untilEnd(offset), this.layout.slotBytes);
  }
}
