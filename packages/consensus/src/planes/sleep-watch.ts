import {
  CircularArea,
  EntryView,
  HeaderCell,
  type GroupNonce,
  type LogGeometry,
} from '@mu-smr/log';
import type { Tuning } from '../limits.ts';
import { Double, Int, type PlaneLink } from './plane-link.ts';

/** This part of the ring is little. */
const LITTLE = 64;
/** The same entry again: it is still incomplete, or the replication plane still asleep. */
const LOOKS_PER_REMINDER = 16;

/**
 * Says when the replication plane must be woken for what it cannot see from its event loop: entries
 * that a leader wrote to our log, or a last decision that followers were not told of.
 */
export class SleepWatch {
  readonly #link: PlaneLink;
  readonly #idleFlushUs: number;
  readonly #replayUs: number;
  readonly #littleBytes: number;
  readonly #entry: EntryView;
  readonly #area: CircularArea;
  readonly #commit: Float64Array;
  #seenCommit = 0;
  #seenScanned = -1;
  #looks = 0;
  #seenKnown = -1;
  #idleSinceUs = 0;
  /** Something came; before when it may gather; and where reading stood when the last was told. */
  #news = false;
  #gatherUntilUs = 0;
  #toldAt = 0;

  constructor(
    link: PlaneLink,
    log: Uint8Array,
    geometry: LogGeometry,
    nonce: GroupNonce,
    { idleFlushUs, replayUs }: Pick<Tuning, 'idleFlushUs' | 'replayUs'>,
  ) {
    this.#link = link;
    this.#idleFlushUs = idleFlushUs;
    this.#replayUs = replayUs;
    this.#littleBytes = geometry.capacityBytes / LITTLE;
    this.#entry = new EntryView(log, nonce);
    this.#area = new CircularArea(geometry);
    this.#commit = new Float64Array(log.buffer, log.byteOffset + HeaderCell.commit, 2);
  }

  /** Once a round. */
  mustWake(nowUs: number): boolean {
    return this.#link.int(Int.leading) === 1 ? this.#mustAnnounce(nowUs) : this.#mustApply(nowUs);
  }

  /** A leader that went idle owes its followers the last decision. */
  #mustAnnounce(nowUs: number): boolean {
    const known = this.#link.offset(Double.known);
    if (known !== this.#seenKnown) {
      // It decides: the next entry tells.
      this.#seenKnown = known;
      this.#idleSinceUs = nowUs;
      return false;
    }
    return (
      known !== this.#link.offset(Double.announced) &&
      nowUs - this.#idleSinceUs >= this.#idleFlushUs
    );
  }

  /**
   * A follower has news, and they may not gather any more. To wake its event loop for each entry takes
   * time from the leader, where both are on one machine.
   */
  #mustApply(nowUs: number): boolean {
    if (this.#hasNews()) this.#news = true;
    if (!this.#news || nowUs < this.#gatherUntilUs) return false;
    this.#news = false;
    const scanned = this.#link.offset(Double.scanned);
    const isLittle = scanned - this.#toldAt < this.#littleBytes;
    this.#gatherUntilUs = isLittle ? nowUs + this.#replayUs : nowUs;
    this.#toldAt = scanned;
    return true;
  }

  /** Whether a leader wrote something to our log that the replication plane has not looked at. */
  #hasNews(): boolean {
    const commit = this.#commit[0] + this.#commit[1];
    const scanned = this.#link.offset(Double.scanned);
    if (commit !== this.#seenCommit) {
      this.#seenCommit = commit;
      return true;
    }
    const view = this.#entry.moveTo(this.#area.position(scanned));
    if (!view.headerFits(scanned, this.#area.untilEnd(scanned))) return false;
    const isNew = scanned !== this.#seenScanned;
    this.#seenScanned = scanned;
    return isNew || ++this.#looks % LOOKS_PER_REMINDER === 0;
  }
}
