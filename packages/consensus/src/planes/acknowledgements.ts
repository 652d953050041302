import type { LogOffset } from '@mu-smr/log';
import { EARLIER_SHIFT } from '@mu-smr/verbs';
import { quorumOffset } from '../core/majority.ts';
import type { EntryWrites } from './entry-writes.ts';
import type { Lane } from './lane.ts';
import type { Quorum } from './membership.ts';

/** Entries whose end offset is remembered until they are decided. */
export const ENTRIES_REMEMBERED = 4096;

/** Which entries of an epoch are posted and not decided, and how far each log is known to hold them. */
export class Acknowledgements {
  readonly #self: number;
  readonly #quorum: Quorum;
  /** By lane. */
  readonly #offsets: Float64Array;
  readonly #ends = new Float64Array(ENTRIES_REMEMBERED);
  /** Serial number of the next entry, and of the first that is not decided. */
  #next = 0;
  #first = 0;

  constructor(self: number, slots: number, quorum: Quorum) {
    this.#self = self;
    this.#quorum = quorum;
    this.#offsets = new Float64Array(slots);
  }

  /** Begins an epoch at `tail`, which every active lane has. */
  begin(tail: LogOffset, active: readonly Lane[]): void {
    this.#next = 0;
    this.#first = 0;
    this.#offsets.fill(0);
    for (const lane of active) this.#offsets[lane.to] = tail;
  }

  get outstanding(): number {
    return this.#next - this.#first;
  }

  /** How far the log at the end of a lane is known to hold what we wrote. */
  of(lane: number): LogOffset {
    return this.#offsets[lane] as LogOffset;
  }

  set(lane: number, offset: LogOffset): void {
    this.#offsets[lane] = offset;
  }

  /** Another entry is posted, which ends at `end`. Returns its serial number. */
  posted(end: LogOffset): number {
    const serial = this.#next;
    this.#ends[serial & (ENTRIES_REMEMBERED - 1)] = end;
    this.#next = serial + 1;
    return serial;
  }

  /** An entry's write completed: `serial` is the low word of its work request id. */
  completed(lane: number, serial: number): void {
    this.#offsets[lane] = this.#ends[serial & (ENTRIES_REMEMBERED - 1)];
  }

  /**
   * Takes in what the provider found done of the last entry, which ends at `tail`, and of earlier ones.
   * Returns the votes for the last.
   */
  found(found: number, writes: EntryWrites, tail: LogOffset): number {
    if (found === 0) return 0;
    const { active } = writes;
    const { voters } = this.#quorum;
    let votes = 0;
    for (let n = 0; n < active.length; n++) {
      const { to } = active[n];
      if ((found & (1 << n)) !== 0) {
        this.#offsets[to] = tail;
        votes += voters[to];
      } else if ((found & (1 << (n + EARLIER_SHIFT))) !== 0) {
        this.completed(to, writes.earlierSerial(n));
      }
    }
    return votes;
  }

  /**
   * What they decide. A majority of all members is needed, and our own log beside it, so that we can
   * apply what we decide (I7).
   */
  decided(): LogOffset {
    const { voters, majority } = this.#quorum;
    const quorum = quorumOffset(this.#offsets, voters, majority);
    const own = this.#offsets[this.#self];
    return (own < quorum ? own : quorum) as LogOffset;
  }

  /** Everything below `offset` is decided: those entries are not outstanding any more. */
  settle(offset: LogOffset): void {
    while (this.#first < this.#next && this.#ends[this.#first & (ENTRIES_REMEMBERED - 1)] <= offset)
      this.#first++;
  }
}
