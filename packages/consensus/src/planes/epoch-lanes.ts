import type { LogGeometry, LogOffset } from '@mu-smr/log';
import type { FastPath } from './fast-path.ts';
import type { Lane } from './lane.ts';
import { Double, Int, LaneOwner, type PlaneLink } from './plane-link.ts';
import type { GrantedLog } from './take-over-context.ts';

/**
 * The replication plane's side of the hand-over of lanes: which grants stand, which lanes are its
 * own for the epoch, and how far the logs at their ends may be written.
 */
export class EpochLanes {
  readonly #lanes: readonly (Lane | undefined)[];
  readonly #self: number;
  readonly #link: PlaneLink;
  /** Where whatever goes out on them is posted. */
  readonly #sendRing: { doorbell(): void };
  /** Sequence number of the grant by which each lane was last taken. */
  readonly #usedGrant: Int32Array;

  constructor(
    lanes: readonly (Lane | undefined)[],
    self: number,
    link: PlaneLink,
    sendRing: { doorbell(): void },
  ) {
    this.#lanes = lanes;
    this.#self = self;
    this.#link = link;
    this.#sendRing = sendRing;
    this.#usedGrant = new Int32Array(lanes.length);
  }

  /** Those that are connected. */
  get lanes(): Lane[] {
    return this.#lanes.filter((lane) => lane !== undefined);
  }

  /** Lanes to members that granted the epoch. Whoever is none yet is added later, as a late follower. */
  grantedSince(epoch: number): Lane[] {
    const granted: Lane[] = [];
    for (const lane of this.#lanes)
      if (lane !== undefined && this.#hasGranted(lane, epoch)) granted.push(lane);
    return granted;
  }

  /** Whether a member that is trusted has not granted yet. */
  somebodyMissing(granted: readonly Lane[]): boolean {
    for (const lane of this.#lanes) {
      if (lane === undefined || granted.includes(lane)) continue;
      const { to } = lane;
      if (this.#link.int(Int.voter, to) === 1 && this.#link.int(Int.trusted, to) === 1) return true;
    }
    return false;
  }

  #hasGranted({ to }: Lane, epoch: number): boolean {
    return this.#link.int(Int.voter, to) === 1 && this.#link.int(Int.grant, to) >= epoch;
  }

  /** What the granter said of its log, or what was pulled from it since. */
  granted(replica: number): GrantedLog {
    const pulledHead = this.#link.offset(Double.peerHead, replica);
    const head = this.#link.offset(Double.grantHead, replica);
    return {
      known: this.#link.offset(Double.grantKnown, replica),
      head: pulledHead > head ? pulledHead : head,
    };
  }

  /** Takes the lane by the grant that stands now; false when it is just being asked for again. */
  take(lane: Lane, grant = this.#link.int(Int.grant, lane.to)): boolean {
    this.#link.setInt(Int.lane, LaneOwner.replication, lane.to);
    if (this.#link.int(Int.grant, lane.to) !== grant) {
      this.#link.setInt(Int.lane, LaneOwner.background, lane.to);
      return false;
    }
    this.#usedGrant[lane.to] = grant;
    return true;
  }

  /** Takes a lane that was granted in this epoch and not used yet: a follower that came late. */
  takeNew(epoch: number): Lane | undefined {
    return this.lanes.find((lane) => {
      const grant = this.#link.int(Int.grant, lane.to);
      return grant > this.#usedGrant[lane.to] && grant >= epoch && this.take(lane, grant);
    });
  }

  /** Another replica is to be at the end of this lane: grants of the last one are none of it. */
  forget(replica: number): void {
    this.#usedGrant[replica] = 0;
    this.#link.setInt(Int.grant, 0, replica);
  }

  owns(replica: number): boolean {
    return this.#link.int(Int.lane, replica) === LaneOwner.replication;
  }

  /**
   * What a lane still has in flight must not land later: it would bring other bytes than were posted,
   * or overwrite, after the next grant, what another leader decided in between. The same with what is
   * posted and waits for the doorbell: it is rung now, so that it fails with the rest.
   */
  handBack(replica: number): void {
    const queuePair = this.#lanes[replica]?.queuePair;
    if (queuePair !== undefined && queuePair.outstanding > 0) {
      queuePair.control.fail();
      this.#sendRing.doorbell();
    }
    this.#link.setInt(Int.lane, LaneOwner.background, replica);
  }

  handBackAll(): void {
    for (const lane of this.lanes) if (this.owns(lane.to)) this.handBack(lane.to);
  }

  /** No entry may lap a log of a confirmed follower, our own included. */
  writeLimit(active: readonly Lane[], geometry: LogGeometry): LogOffset {
    let lowest: number = this.#link.offset(Double.head);
    for (const lane of active) {
      if (lane.to === this.#self) continue;
      const { head } = this.granted(lane.to);
      if (head < lowest) lowest = head;
    }
    return (lowest + geometry.capacityBytes) as LogOffset;
  }

  /**
   * Confirmed followers that may be dead, or that recycling no longer waits for, and whose logs keep
   * the ring from moving.
   */
  inTheWay(fastPath: FastPath, { capacityBytes, windowBytes }: LogGeometry): number[] {
    return fastPath.active
      .map((lane) => lane.to)
      .filter((to) => {
        const helps =
          this.#link.int(Int.waitedFor, to) === 1 && this.#link.int(Int.trusted, to) === 1;
        const room = this.granted(to).head + capacityBytes - fastPath.tail;
        return to !== this.#self && !helps && room < windowBytes;
      });
  }
}
