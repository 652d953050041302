import type { OwnLog } from './own-log.ts';
import type { PeerMonitor } from './peer-monitor.ts';
import { Double, Int, type PlaneLink } from './plane-link.ts';

/**
 * Says when no ring holds what our log misses: no leader can bring it further then, and the state has
 * to come from another replica.
 */
export class BehindWatch {
  readonly #link: PlaneLink;
  readonly #ownLog: OwnLog;

  constructor(link: PlaneLink, ownLog: OwnLog) {
    this.#link = link;
    this.#ownLog = ownLog;
  }

  isBehind(monitors: readonly PeerMonitor[]): boolean {
    if (this.#link.int(Int.strayed) === 1) return true;
    // A leader does not read its own log, but has applied what stands there.
    const applied = this.#link.offset(Double.applied);
    const scanned = this.#link.offset(Double.scanned);
    const from = applied > scanned ? applied : scanned;
    return monitors.some(
      ({ status, trusted }) =>
        status.claim > 0 && trusted && status.head > from && status.head > this.#ownLog.end(from),
    );
  }
}
