import {
  CircularArea,
  EntryRun,
  EntryView,
  HeaderCell,
  readCommit,
  undoPosition,
  type GroupNonce,
  type LogGeometry,
  type LogOffset,
} from '@mu-smr/log';

/**
 * What a granter does with its own log between two writers, on the thread that switches permissions.
 */
export class OwnLog {
  readonly #log: Uint8Array;
  readonly #view: EntryView;
  readonly #run: EntryRun;
  readonly #area: CircularArea;
  readonly #undo: number;

  constructor(log: Uint8Array, geometry: LogGeometry, nonce: GroupNonce) {
    this.#log = log;
    this.#view = new EntryView(log, nonce);
    this.#run = new EntryRun(log, geometry, nonce);
    this.#area = new CircularArea(geometry);
    this.#undo = undoPosition(geometry);
  }

  /**
   * Puts back what a leader saved before it wrote a slot anew, if that write was cut off: it has not
   * happened then, and the slot holds what it held. `head` is the first offset of the ring.
   */
  rollBack(head: LogOffset): void {
    const { offset, totalBytes } = this.#view.moveTo(this.#undo);
    if (offset < head || !this.#view.accepted(offset, this.#log.length - this.#undo)) return;
    const position = this.#area.position(offset);
    if (this.#view.moveTo(position).accepted(offset, this.#area.untilEnd(offset))) return;
    this.#log.copyWithin(position, this.#undo, this.#undo + totalBytes);
  }

  /** Where the first entry is missing, from `scanned` on, which the replication plane has read up to. */
  end(scanned: LogOffset): LogOffset {
    const run = this.#run;
    let at = scanned;
    while (run.read(at)) at = run.end;
    return at;
  }

  /**
   * How far the log is known to be decided by what stands in it, whether or not the replication plane
   * has read it yet; `scanned` is where that one has read up to.
   *
   * A grant is acknowledged with this and not with what that plane said last: whatever it still
   * learns, it may release and zero, and a new leader that began below would take the zeroes for slots
   * which nobody had written.
   */
  known(known: LogOffset, scanned: LogOffset): LogOffset {
    let most = known;
    const commit = readCommit(this.#log, HeaderCell.commit);
    if (commit !== undefined && commit.firstUndecided > most) most = commit.firstUndecided;
    const run = this.#run;
    for (let at = scanned; run.read(at); at = run.end)
      if (run.firstUndecided > most) most = run.firstUndecided;
    return most;
  }
}
