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
  readonly #incoming: readonly QueuePairControl[];
  readonly #betweenWriters: () => void;
  readonly #generations: number[];
  readonly #handled: number[];
  #holder: ReplicaId | undefined;
  #slowSwitches = 0;

  /**
   * `incoming` by requester's id, our own loopback included; all connected read-only.
   * `betweenWriters` is called whenever nobody may write, before somebody else may.
   */
  constructor(incoming: readonly QueuePairControl[], betweenWriters: () => void) {
    this.#incoming = incoming;
    this.#betweenWriters = betweenWriters;
    this.#generations = incoming.map(() => 0);
    this.#handled = incoming.map(() => 0);
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
   * is the caller's to send. A request that cannot be granted now stays and is tried again.
   */
  handle(requests: RequestSource): readonly Grant[] {
    let grants = NO_GRANTS;
    for (let requester = 0; requester < this.#incoming.length; requester++) {
      if (requests.requestSequence(requester) <= this.#handled[requester]) continue;
      const request = requests.request(requester);
      if (request === undefined || request.sequence <= this.#handled[requester]) continue;
      if (!this.#switchTo(requester, request.generation)) continue;
      this.#handled[requester] = request.sequence;
      grants = [...grants, { to: requester, sequence: request.sequence }];
    }
    return grants;
  }

  #switchTo(requester: ReplicaId, generation: number): boolean {
    try {
      if (this.#holder !== undefined) this.#revoke(this.#holder);
      this.#holder = undefined;
      this.#betweenWriters();
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
    if (lane.state === 'readyToSend') lane.modifyAccess(READ_ONLY);
    // In ERR no right is left; a writer may still stand in the middle of a copy, though, and
    // leaving the state waits for it.
    else lane.fail();
  }

  #grant(requester: ReplicaId, generation: number): void {
    const lane = this.#incoming[requester];
    const fits = generation === this.#generations[requester] && lane.state === 'readyToSend';
    if (fits && this.#fastGrant(lane)) return;
    this.#slowSwitches++;
    const psn = generationPsn(generation);
    lane.cycle({
      accessFlags: READ_WRITE,
      receivePacketSequenceNumber: psn,
      sendPacketSequenceNumber: psn,
    });
    this.#generations[requester] = generation;
  }

  /** Changes flags only; false where that fails, and the queue pair must be cycled (Mu, section 5.2). */
  #fastGrant(lane: QueuePairControl): boolean {
    try {
      lane.modifyAccess(READ_WRITE);
      return true;
    } catch (error) {
      if (error instanceof VerbsError) return false;
      throw error;
    }
  }
}
