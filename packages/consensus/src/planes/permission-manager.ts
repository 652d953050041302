import { AccessFlags, VerbsError, type QueuePairControl } from '@mu-smr/verbs';
import type { ReplicaId } from '../propose-outcome.ts';
import { generationPsn } from './background-lanes.ts';
import type { PermissionRequest } from './scratchpad.ts';

const READ_ONLY = AccessFlags.remoteRead;
const READ_WRITE = AccessFlags.remoteRead | AccessFlags.remoteWrite;

/** What became of one request. */
export interface Grant {
  readonly to: ReplicaId;
  readonly sequence: number;
}

/** Where requests stand; asked every tick, so the first look is cheap. */
export interface RequestSource {
  requestSequence(requester: ReplicaId): number;
  request(requester: ReplicaId): PermissionRequest | undefined;
}

const NO_GRANTS: readonly Grant[] = [];

/**
 * Decides who may write our log: one replica at a time, by the access flags of the incoming lanes.
 *
 * Revoke, then grant, then acknowledge, in this order (I1, I2): a `modifyAccess` that takes a right
 * away returns only when no byte can change by it any more.
 */
export class PermissionManager {
  readonly #incoming: (QueuePairControl | undefined)[];
  readonly #betweenWriters: () => void;
  readonly #generations: number[];
  readonly #handled: number[];
  #holder: ReplicaId | undefined;
  #slowSwitches = 0;

  /** `betweenWriters` is called whenever nobody may write, before somebody else may. */
  constructor(slots: number, betweenWriters: () => void) {
    this.#incoming = new Array<undefined>(slots).fill(undefined);
    this.#betweenWriters = betweenWriters;
    this.#generations = new Array<number>(slots).fill(0);
    this.#handled = new Array<number>(slots).fill(0);
  }

  /** The end at which this requester writes our log, connected read-only; our own loopback is one, too. */
  connect(requester: ReplicaId, lane: QueuePairControl): void {
    this.#incoming[requester] = lane;
    this.#generations[requester] = 0;
    this.#handled[requester] = 0;
  }

  /** Takes a requester's right away, and forgets the end at which it had it. */
  disconnect(requester: ReplicaId): void {
    const lane = this.#incoming[requester];
    if (lane === undefined) return;
    if (this.#holder === requester) this.withdraw();
    this.#incoming[requester] = undefined;
  }

  /** Requests up to this one are not granted: their requester wanted it long ago. */
  skip(requester: ReplicaId, sequence: number): void {
    this.#handled[requester] = Math.max(this.#handled[requester], sequence);
  }

  /** Takes the right away from whoever has it; nobody may write until the next request. */
  withdraw(): void {
    if (this.#holder !== undefined) this.#revoke(this.#holder);
    this.#holder = undefined;
    this.#betweenWriters();
  }

  /** Who may write our log now. */
  get holder(): ReplicaId | undefined {
    return this.#holder;
  }

  /** Switches for which access flags were not enough and a queue pair was cycled. */
  get slowSwitches(): number {
    return this.#slowSwitches;
  }

  /**
   * Handles the requests that are new, in id order, one after the other. The acknowledgement of each
   * is the caller's to send. A request that cannot be granted now stays and is tried again. A replica
   * that was removed gets nothing, and loses what it has (I17).
   */
  handle(requests: RequestSource, isRemoved: (replica: ReplicaId) => boolean): readonly Grant[] {
    let grants = NO_GRANTS;
    if (this.#holder !== undefined && isRemoved(this.#holder)) this.withdraw();
    for (let requester = 0; requester < this.#incoming.length; requester++) {
      if (requests.requestSequence(requester) <= this.#handled[requester]) continue;
      const request = requests.request(requester);
      if (request === undefined || request.sequence <= this.#handled[requester]) continue;
      if (this.#incoming[requester] === undefined || isRemoved(requester)) continue;
      if (!this.#switchTo(requester, request.generation)) continue;
      this.#handled[requester] = request.sequence;
      grants = [...grants, { to: requester, sequence: request.sequence }];
    }
    return grants;
  }

  #switchTo(requester: ReplicaId, generation: number): boolean {
    try {
      this.withdraw();
      this.#grant(requester, generation);
    } catch (error) {
      // A peer whose segment is gone, or a fabric without room to relocate: nobody writes until the
      // next try succeeds.
      if (error instanceof VerbsError) return false;
      throw error;
    }
    this.#holder = requester;
    return true;
  }

  #revoke(holder: ReplicaId): void {
    const lane = this.#incoming[holder];
    if (lane === undefined) return;
    // In ERR no right is left; a writer may still stand in the middle of a copy, though, and going
    // there once more waits for it.
    if (!this.#changeAccess(lane, READ_ONLY)) lane.fail();
  }

  #grant(requester: ReplicaId, generation: number): void {
    const lane = this.#incoming[requester];
    if (lane === undefined) return;
    if (generation === this.#generations[requester] && this.#changeAccess(lane, READ_WRITE)) return;
    this.#slowSwitches++;
    const psn = generationPsn(generation);
    lane.cycle({
      accessFlags: READ_WRITE,
      receivePacketSequenceNumber: psn,
      sendPacketSequenceNumber: psn,
    });
    this.#generations[requester] = generation;
  }

  /**
   * Changes flags only; false where that fails, and the slow path remains (Mu, section 5.2): on a queue
   * pair in ERR, or by the device's will.
   */
  #changeAccess(lane: QueuePairControl, accessFlags: number): boolean {
    try {
      lane.modifyAccess(accessFlags);
      return true;
    } catch (error) {
      if (error instanceof VerbsError) return false;
      throw error;
    }
  }
}
