import { LOG_BEGIN } from '@mu-smr/log';
import type { PeerMonitor } from './peer-monitor.ts';
import type { PermissionManager } from './permission-manager.ts';
import { Double, Int, type PlaneLink } from './plane-link.ts';
import type { Scratchpad } from './scratchpad.ts';

/**
 * Whether our log may be granted: from when the replication plane opens it until it is of no use any
 * more, and again when it is opened anew.
 */
export class LogOpening {
  open = false;
  readonly #link: PlaneLink;
  readonly #scratch: Scratchpad;
  readonly #slots: number;
  #openings = 0;
  /** Sequence numbers of the requests that were there when it was opened; empty once they are judged. */
  #leftOver: number[] = [];

  constructor(link: PlaneLink, scratch: Scratchpad, slots: number) {
    this.#link = link;
    this.#scratch = scratch;
    this.#slots = slots;
  }

  /** It is open, and it is known which requests still count. */
  get settled(): boolean {
    return this.open && this.#leftOver.length === 0;
  }

  /**
   * Once a round. True when the log has just been opened. While nobody could be granted anything,
   * requests were left by candidates that are none any more: what the peers say of themselves in the
   * next round tells.
   */
  look(monitors: readonly PeerMonitor[], permissions: PermissionManager): boolean {
    if (this.#leftOver.length > 0)
      for (const { id, status } of monitors)
        if (status.claim <= 0) permissions.skip(id, this.#leftOver[id]);
    this.#leftOver = [];
    const openings = this.#link.int(Int.openings);
    if (openings === this.#openings) return false;
    this.#openings = openings;
    this.open = true;
    this.#link.setInt(Int.behind, 0);
    // Where a group is just being founded, nobody has left anything.
    if (openings === 1 && this.#link.offset(Double.base) === LOG_BEGIN) return true;
    this.#leftOver = Array.from({ length: this.#slots }, (_, id) =>
      this.#scratch.requestSequence(id),
    );
    return true;
  }

  /** No leader can bring it further: it is opened again with the state of another replica. */
  close(): void {
    this.open = false;
    this.#link.setInt(Int.behind, this.#openings);
  }
}
