import { CircularArea, entryBytes, undoPosition, type LogGeometry } from '@mu-smr/log';
import type { Checker } from '../checkers.ts';
import { mayDecide } from '../held-permissions.ts';
import { mustHold } from '../invariant-violation.ts';
import type { SimReplica } from '../sim-replica.ts';
import type { Acceptance, LandedEntry } from './acceptance.ts';

/**
 * I5: a leader whose majority shows a value at its first undecided offset proposes the one with the
 * highest proposal number.
 */
export class ValueChoice implements Checker {
  /** By log, by offset: what it accepted last. */
  readonly #logs = new Map<SimReplica, Map<number, LandedEntry>>();
  /** Highest proposal number that has landed at each offset. */
  readonly #begun = new Map<number, number>();

  readonly #replicas: () => readonly SimReplica[];

  readonly #truth: Acceptance;
  readonly #geometry: LogGeometry;
  readonly #area: CircularArea;

  constructor(truth: Acceptance, geometry: LogGeometry, replicas: () => readonly SimReplica[]) {
    this.#truth = truth;
    this.#geometry = geometry;
    this.#area = new CircularArea(geometry);
    this.#replicas = replicas;
    truth.listen((target, source, entry) => this.#landed(target, source, entry));
  }

  /** The first own value goes where none of the confirmed followers holds any. */
  leading(replica: SimReplica): void {
    if (!mayDecide(this.#replicas(), replica)) return;
    const { tail, active } = replica.replication.fastPath;
    const seen = this.#highest(replica, tail, Infinity);
    mustHold(
      'I5',
      seen === undefined,
      () =>
        `${replica.host} leads at ${tail} over ${active.length} logs, and one holds ${seen?.value} under ${seen?.proposal}`,
    );
  }

  #landed(target: SimReplica, source: SimReplica, entry: LandedEntry): void {
    const { offset, proposal, value } = entry;
    const first = proposal > (this.#begun.get(offset) ?? -1);
    // Copies of decided entries keep their number; only a new number is a choice.
    if (first && source.replication.phase === 'takingOver') {
      const seen = this.#highest(source, offset, proposal);
      mustHold(
        'I5',
        seen === undefined || seen.value === value || this.#isNewer(entry, seen),
        () => `${source.host} proposes ${value} at ${offset}, ${seen?.proposal} was accepted`,
      );
    }
    if (first) this.#begun.set(offset, proposal);
    let log = this.#logs.get(target);
    if (log === undefined) this.#logs.set(target, (log = new Map()));
    log.set(offset, entry);
  }

  /** Whether it was read under a higher number from a log that was left out after it was read. */
  #isNewer({ offset, value }: LandedEntry, seen: LandedEntry): boolean {
    return [...this.#logs.values()].some((log) => {
      const read = log.get(offset);
      return read?.value === value && read.proposal > seen.proposal;
    });
  }

  #highest(leader: SimReplica, offset: number, below: number): LandedEntry | undefined {
    let highest: LandedEntry | undefined;
    for (const { to } of leader.replication.fastPath.active) {
      const log = this.#replicas()[to];
      if (leader.connectedTo(to) !== log.incarnation) continue;
      const entry = this.#logs.get(log)?.get(offset);
      if (entry === undefined || entry.proposal >= below || !this.#counts(log, entry)) continue;
      if (highest === undefined || entry.proposal > highest.proposal) highest = entry;
    }
    return highest;
  }

  /**
   * Whether an entry that was accepted must be found again: while it stands, in its slot or its undo
   * slot, and for ever when it was decided. Another value may be cut off half over one that was not.
   */
  #counts(log: SimReplica, entry: LandedEntry): boolean {
    const { offset, proposal, value } = entry;
    if (this.#truth.decidedAt(offset)?.value === value) return true;
    const view = this.#truth.view(log);
    const stands = (position: number, limit: number): boolean =>
      view.moveTo(position).accepted(offset, limit) && view.proposal === proposal;
    return (
      stands(this.#area.position(offset), this.#area.untilEnd(offset)) ||
      stands(undoPosition(this.#geometry), entryBytes(this.#geometry.payloadBytesMax))
    );
  }
}
