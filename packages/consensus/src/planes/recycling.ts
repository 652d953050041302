import { LOG_BEGIN, type LogGeometry, type LogOffset } from '@mu-smr/log';
import { releaseBound, waitedFor, type RecyclingMember } from '../core/recycle-bound.ts';
import type { PeerMonitor } from './peer-monitor.ts';
import { Double, Int, type PlaneLink } from './plane-link.ts';
import { Recycler } from './recycler.ts';

/** The background plane's part in recycling: zeroing our own log, and the release on a leader. */
export class Recycling {
  readonly #link: PlaneLink;
  readonly #recycler: Recycler;
  readonly #capacityBytes: number;
  #progress = LOG_BEGIN;

  constructor(link: PlaneLink, log: Uint8Array, geometry: LogGeometry) {
    this.#link = link;
    this.#recycler = new Recycler(log, geometry);
    this.#capacityBytes = geometry.capacityBytes;
  }

  get head(): LogOffset {
    return this.#recycler.head;
  }

  /** The log begins at `base`, with nothing in it. */
  beginAt(base: LogOffset): void {
    this.#recycler.beginAt(base);
  }

  /**
   * How far recycling may take us to be: as far as we have applied, but no further than a replica that
   * we give our state to, which still needs what comes next. It never goes back: a leader would no
   * longer wait for us.
   */
  progress(): LogOffset {
    const applied = this.#link.offset(Double.applied);
    const pinned = this.#link.offset(Double.pinned);
    const upTo = pinned !== 0 && pinned < applied ? pinned : applied;
    if (upTo > this.#progress) this.#progress = upTo;
    return this.#progress;
  }

  /** Zeroes on, tells how far the peers are, and on a leader what may be released. */
  step(monitors: readonly PeerMonitor[], nowUs: number): void {
    const link = this.#link;
    this.#recycler.step(link.offset(Double.releasable));
    link.setOffset(Double.head, this.#recycler.head);
    for (const { id, status } of monitors) {
      link.setOffset(Double.peerHead, status.head, id);
      link.setOffset(Double.peerApplied, status.applied, id);
    }
    if (link.int(Int.leading) === 1) this.#release(monitors, nowUs);
  }

  /**
   * How far all whom we wait for have applied. One that founds the group with us and has not begun yet
   * needs all there is; one that got lost and waits for a state is below what was released.
   */
  #release(monitors: readonly PeerMonitor[], nowUs: number): void {
    const link = this.#link;
    // Whoever is behind our own ring needs a state transfer, whatever an earlier leader waited for.
    const released = Math.max(link.offset(Double.release), this.#recycler.head) as LogOffset;
    const tail = link.offset(Double.tail);
    const members: RecyclingMember[] = [{ applied: this.progress(), keepsUp: true }];
    for (const monitor of monitors) {
      const member = { applied: monitor.status.applied, keepsUp: monitor.keepsUp(nowUs) };
      const counts = !link.isRemoved(monitor.id);
      if (counts) members.push(member);
      const waits = counts && waitedFor(member, released, tail, this.#capacityBytes);
      link.setInt(Int.waitedFor, waits ? 1 : 0, monitor.id);
    }
    link.setOffset(Double.release, releaseBound(members, released, tail, this.#capacityBytes));
  }
}
