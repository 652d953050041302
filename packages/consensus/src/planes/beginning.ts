import {
  CircularArea,
  EntryView,
  LOG_HEADER_BYTES,
  type GroupNonce,
  type LogGeometry,
  type LogOffset,
} from '@mu-smr/log';
import { strict as assert } from 'node:assert';
import type { ConfigurationRecord } from '../core/configuration.ts';
import { ConsensusError } from '../errors.ts';
import type { Membership } from './membership.ts';
import { OwnLog } from './own-log.ts';
import { Double, Int, LogPhase, type PlaneLink } from './plane-link.ts';
import type { Replayer } from './replayer.ts';

/** The part of a replayer that a beginning needs: it does not care for results. */
type AnyReplayer = Pick<
  Replayer<unknown>,
  'applied' | 'known' | 'apply' | 'decidedUpTo' | 'releasable' | 'startAt'
>;

/**
 * How a replica comes to its log. One that founds its group begins empty. One that joins begins with
 * a snapshot of another's state, applies the entries behind it as they are sent, and then opens its
 * log for the leader, which writes it from there on. Before that nobody may write it.
 */
export class Beginning {
  readonly #log: Uint8Array;
  readonly #view: EntryView;
  readonly #area: CircularArea;
  readonly #ownLog: OwnLog;
  readonly #membership: Membership;
  readonly #replayer: AnyReplayer;
  readonly #link: PlaneLink;

  constructor(
    log: Uint8Array,
    geometry: LogGeometry,
    nonce: GroupNonce,
    membership: Membership,
    replayer: AnyReplayer,
    link: PlaneLink,
  ) {
    this.#log = log;
    this.#view = new EntryView(log, nonce);
    this.#area = new CircularArea(geometry);
    this.#ownLog = new OwnLog(log, geometry, nonce);
    this.#membership = membership;
    this.#replayer = replayer;
    this.#link = link;
  }

  /** The group begins with these members, and an empty log. */
  found(members: ConfigurationRecord): void {
    this.#membership.begin(members);
    this.open();
  }

  /**
   * The log can be brought no further, because no ring holds what it misses: its state is to come from
   * another replica. What it promised and accepted stays, so it keeps its vote. The background plane has
   * taken the permission away.
   */
  close(): void {
    assert(this.#link.isBehind, 'only a log that nobody may write is closed');
    this.#link.setInt(Int.phase, LogPhase.closed);
  }

  /** The state machine was given the state as of `at`, and this is who were members then. */
  restored(at: LogOffset, members: ConfigurationRecord): void {
    assert(at >= this.#replayer.known, 'a replica forgets nothing that it knew to be decided');
    this.#membership.begin(members);
    this.#replayer.startAt(at);
    this.#publish();
    this.#link.setInt(Int.phase, LogPhase.catchingUp);
  }

  /** The bytes of an entry that is just being applied here, for a replica that joins. */
  copy(offset: LogOffset, end: LogOffset): Uint8Array {
    const position = this.#area.position(offset);
    return this.#log.slice(position, position + (end - offset));
  }

  /**
   * Applies one decided entry that another replica has applied and sent. Throws `ConsensusError`
   * STATE_TRANSFER for bytes that are not the next entry.
   */
  takeIn(entry: Uint8Array): void {
    assert(
      this.#link.int(Int.phase) !== LogPhase.open,
      'an open log is written by the leader alone',
    );
    const replayer = this.#replayer;
    const at = replayer.applied;
    const position = this.#area.position(at);
    if (entry.length > this.#area.untilEnd(at))
      throw new ConsensusError('STATE_TRANSFER', `an entry of ${entry.length} bytes at ${at}`);
    this.#log.set(entry, position);
    if (!this.#view.moveTo(position).accepted(at, entry.length))
      throw new ConsensusError('STATE_TRANSFER', `what was sent is not the entry at ${at}`);
    replayer.decidedUpTo((at + entry.length) as LogOffset, replayer.releasable);
    replayer.apply(1);
    // As if it had never been there: the leader's entries come to an empty ring.
    this.#log.fill(0, position, position + entry.length);
    this.#publish();
  }

  /**
   * From here on the log may be granted, and what is written to it is applied. What stands there from
   * the state's offset on was accepted before the log was closed, and may be decided with our help.
   */
  open(): void {
    const at = this.#replayer.applied;
    this.#clearAllBut(at, this.#ownLog.end(at));
    this.#replayer.startAt(at);
    for (const field of [Double.scanned, Double.releasable, Double.base])
      this.#link.setOffset(field, at);
    this.#publish();
    this.#link.setInt(Int.strayed, 0);
    this.#link.setInt(Int.phase, LogPhase.open);
    this.#link.count(Int.openings);
  }

  /** Zeroes the area but for `[from, end)`, and the undo slot: who held our log before left it in order. */
  #clearAllBut(from: LogOffset, end: LogOffset): void {
    const next = (from + this.#area.capacityBytes) as LogOffset;
    for (const { position, length } of this.#area.stretches(end, next))
      this.#log.fill(0, position, position + length);
    this.#log.fill(0, LOG_HEADER_BYTES + this.#area.capacityBytes);
  }

  #publish(): void {
    const { applied } = this.#replayer;
    this.#link.publishProgress(applied, applied, applied);
  }
}
