import { advance, type LogOffset, type ProposalNumber } from '@mu-smr/log';
import { nextProposal } from '../core/proposal-number.ts';
import { chooseValue, isDecided } from '../core/value-choice.ts';
import { catchUp } from './catch-up.ts';
import { readStretch, writeMissing } from './copy-missing.ts';
import type { Lane } from './lane.ts';
import type { SlotRead } from './log-access.ts';
import { learnReleased, leaveOut, makeRoom } from './make-room.ts';
import { promised, readPromise, writePromise } from './promise-cells.ts';
import { EpochEnded, type Waiting } from './round.ts';
import type { TakeOverContext } from './take-over-context.ts';

/** A number that every confirmed follower promised, and their slots as they were under it. */
interface Prepared {
  readonly proposal: ProposalNumber;
  readonly slots: readonly SlotRead[];
}

/**
 * What a replica does between getting the permissions of a majority and its first own proposal:
 * catch up, update followers, prepare, adopt (Mu, section 4; protocol.md, steps 1 and 2).
 *
 * Written as one computation that yields while it waits, so it reads in the order of the paper, and
 * the simulator can stop it at every step.
 */
export class TakeOver {
  /** Our own ring must keep everything from here: it is being copied to followers. */
  copiesFrom = Number.POSITIVE_INFINITY;
  readonly #o: TakeOverContext;

  constructor(context: TakeOverContext) {
    this.#o = context;
  }

  /** Runs the slow path over the active lanes. Throws `EpochEnded` when no majority remains. */
  *run(epoch: number, confirmed: readonly Lane[]): Waiting<void> {
    const { fastPath, access } = this.#o;
    access.epoch = epoch;
    this.copiesFrom = Number.POSITIVE_INFINITY;
    const start = this.#o.known();
    fastPath.begin(epoch, start, 0 as ProposalNumber, confirmed);

    learnReleased(this.#o);
    yield* catchUp(this.#o);
    yield* this.#configure();
    yield* this.#updateFollowers();

    const known = this.#o.known();
    const { proposal, slots } = yield* this.#prepare(known);
    fastPath.begin(epoch, known, proposal, fastPath.active);
    yield* this.#adopt(slots);
  }

  /** Who votes on the next offset follows from all below it. */
  *#configure(): Waiting<void> {
    while (!this.#o.applied()) yield;
    if (!this.#o.fastPath.hasMajority)
      throw new EpochEnded('below a majority of its configuration');
  }

  /** Writes to each confirmed follower what it misses of the decided log. */
  *#updateFollowers(): Waiting<void> {
    const { fastPath, access, rounds, self, granted } = this.#o;
    const known = this.#o.known();
    for (const lane of fastPath.active) {
      if (lane.to === self) continue;
      const has = granted(lane.to).known;
      if (has < this.#o.ownKept()) {
        this.#o.unserved();
        leaveOut(this.#o, lane);
      } else {
        this.copiesFrom = Math.min(this.copiesFrom, has);
      }
    }
    yield* makeRoom(this.#o, known);
    const copies = new Map<Lane, LogOffset>();
    for (const lane of fastPath.active) {
      const has = granted(lane.to).known;
      if (lane.to !== self && has < known) copies.set(lane, has);
    }
    while (copies.size > 0) {
      // All followers at once, a stretch at a time: read, compare, write.
      for (const [lane, from] of copies) {
        if (from < known && fastPath.active.includes(lane)) readStretch(access, lane, from, known);
        else copies.delete(lane);
      }
      yield* rounds.settle();
      for (const [lane, from] of copies)
        if (fastPath.active.includes(lane))
          copies.set(lane, writeMissing(access, lane, from, known).upTo);
      yield* rounds.settle();
    }
    this.copiesFrom = Number.POSITIVE_INFINITY;
  }

  /**
   * Picks a proposal number above all that any confirmed follower has seen, writes it to each, and reads
   * their slots under it.
   */
  *#prepare(first: LogOffset): Waiting<Prepared> {
    const { fastPath, access, rounds, self } = this.#o;
    let highest = 0 as ProposalNumber;
    for (;;) {
      for (const lane of fastPath.active) readPromise(access, lane);
      yield* rounds.settle();
      /** By lane. */
      const cells: number[] = [];
      for (const lane of fastPath.active) {
        const { proposal, cell } = promised(access, lane);
        cells[lane.to] = cell;
        if (proposal > highest) highest = proposal;
      }

      const proposal = nextProposal(self, highest);
      for (const lane of fastPath.active) writePromise(access, lane, cells[lane.to], proposal);
      // A read does not overtake the write before it on its queue pair.
      access.postSlotReads(first);
      yield* rounds.settle();
      const slots = yield* access.slotsRead(first);
      for (const { slot } of slots)
        if (slot.kind === 'accepted' && slot.proposal > highest) highest = slot.proposal;
      if (highest < proposal) return { proposal, slots };
      // A number that only reached entries, not the cells: its promise was cut off. Above that, again.
    }
  }

  /** Writes again, under our number, every value that an earlier leader may have decided. */
  *#adopt(prepared: readonly SlotRead[]): Waiting<void> {
    const { fastPath, access } = this.#o;
    for (let slots = prepared; ;) {
      yield* access.proveReads();
      const observed = slots.map(({ slot }) => slot);
      const winner = chooseValue(observed);
      // Entries are written in order: where a majority has nothing, nothing above is decided either.
      // From here on the prepare phase is omitted.
      if (winner === undefined) return;
      const { lane } = slots[winner];
      if (isDecided(observed)) this.#passOver(lane);
      else yield* this.#adoptFrom(lane, slots);
      yield* this.#configure();
      slots = yield* access.readSlots(fastPath.tail);
    }
  }

  /** What was read from one lane is decided as it stands: in every confirmed log, our own included. */
  #passOver(lane: Lane): void {
    const { fastPath, access } = this.#o;
    const { release, totalBytes } = access.viewAt(access.layout.slotAt(lane.to));
    const end = advance(fastPath.tail, totalBytes);
    this.#o.learnt(end, release);
    fastPath.begin(access.epoch, end, fastPath.writer.proposal, fastPath.active);
  }

  /** Proposes the value that was read from one lane, and waits until it is decided. */
  *#adoptFrom(lane: Lane, slots: readonly SlotRead[]): Waiting<void> {
    const { fastPath, access } = this.#o;
    const view = access.viewAt(access.layout.slotAt(lane.to));
    const { kindAndCount, payloadLength, release, totalBytes } = view;
    const payload = view.payload();
    // Whoever wrote it had room, so its release is what those must learn who have none.
    this.#o.learnt(this.#o.known(), release);
    yield* makeRoom(this.#o, (fastPath.tail + totalBytes) as LogOffset);
    yield* this.#await(() => fastPath.room(payloadLength));
    for (const { lane: to, slot } of slots) {
      if (slot.kind === 'empty' || !fastPath.active.includes(to)) continue;
      access.saveForUndo(to, access.viewAt(access.layout.slotAt(to.to)).totalBytes);
    }
    const into = fastPath.stage(payloadLength);
    access.staging.set(payload, into);
    fastPath.post(kindAndCount, payloadLength);
    this.#o.rounds.ring();
    yield* this.#await(() => fastPath.decided === fastPath.tail);
  }

  /** Waits; a follower that holds everybody up is left out in the end. */
  *#await(done: () => boolean): Waiting<void> {
    const { fastPath, nowUs, patienceUs, self } = this.#o;
    let giveUpAtUs = nowUs() + patienceUs;
    while (!done()) {
      yield;
      if (!fastPath.hasMajority) throw new EpochEnded('below a majority');
      if (nowUs() < giveUpAtUs) continue;
      giveUpAtUs = nowUs() + patienceUs;
      const slow = fastPath.slowest();
      if (slow !== undefined && slow.to !== self) leaveOut(this.#o, slow);
    }
  }
}
