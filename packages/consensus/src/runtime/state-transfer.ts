import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ConsensusError } from '../errors.ts';
import { Double, Int, type PlaneLink } from '../planes/plane-link.ts';
import type { ReplicationPlane } from '../planes/replication-plane.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import type { StateMachine } from '../state-machine.ts';
import { decline } from './handshake.ts';
import { Pins } from './pins.ts';
import type { Guest, Rendezvous } from './rendezvous.ts';
import { giveState } from './state-donor.ts';
import { receiveState } from './state-receiver.ts';

/** How long until donors are asked again, when none could give. */
const ASK_AGAIN_MS = 50;
/** How long a leader may take to ask for a log that was opened. */
const GRANT_MS = 1000;

/** Gives our state to replicas that ask for it, and brings another's when ours is of no use. */
export class StateTransfer<Result> {
  readonly #plane: ReplicationPlane<Result>;
  readonly #link: PlaneLink;
  readonly #stateMachine: StateMachine<Result>;
  readonly #rendezvous: Rendezvous;
  readonly #peers: readonly ReplicaId[];
  readonly #pins: Pins;
  /** Transfers that were completed, in either direction. */
  given = 0;
  received = 0;
  /** The connection on which a state comes just now, and the bytes of those before. */
  #receiving: Socket | undefined;
  #receivedBefore = 0;

  constructor(
    plane: ReplicationPlane<Result>,
    link: PlaneLink,
    stateMachine: StateMachine<Result>,
    rendezvous: Rendezvous,
    peers: readonly ReplicaId[],
  ) {
    this.#plane = plane;
    this.#link = link;
    this.#stateMachine = stateMachine;
    this.#rendezvous = rendezvous;
    this.#peers = peers;
    this.#pins = new Pins(link);
  }

  /** Bytes that came with states so far, with one that is still coming, too. */
  get receivedBytes(): number {
    return this.#receivedBefore + (this.#receiving?.bytesRead ?? 0);
  }

  /**
   * Whether we have a state to give: one that no ring has passed. Without a leader a follower that missed
   * the last entries is not told so, and whoever began with its state would wait for ever.
   */
  get open(): boolean {
    return this.#link.isOpen && this.#link.offset(Double.applied) >= this.#highestHead;
  }

  /** Answers a replica that asked for our state. */
  async give({ lines }: Guest): Promise<void> {
    if (!this.open) {
      decline(lines, 'no state to give');
      return;
    }
    try {
      // What follows is no JSON: the receiver says when it listens to the bare socket.
      await lines.receive();
      const sent = (): void => void this.given++;
      await giveState(lines.release(), this.#plane, this.#stateMachine, this.#pins, sent);
    } catch {
      // The receiver went away, or fell behind too far: it asks again, or somebody else.
      lines.destroy();
    }
  }

  /**
   * Asks one replica after the other, followers first, until one has given us its state and our log is
   * open. Rejects when the state machine refuses a state, or the signal fires.
   */
  async bring(signal: AbortSignal): Promise<void> {
    for (;;) {
      for (const leads of [false, true])
        for (const peer of this.#peers) if (await this.#ask(peer, leads, signal)) return;
      await delay(ASK_AGAIN_MS, undefined, { signal });
    }
  }

  async #ask(peer: ReplicaId, mayLead: boolean, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (this.#link.isOpen) return true;
    const connected = this.#link.offset(Double.connected, peer);
    if (connected === 0 || this.#plane.phase !== 'following') return false;
    const guest = await this.#rendezvous.call(peer, 'state').catch(() => undefined);
    if (guest === undefined) return false;
    const { lines, greeting } = guest;
    if (!greeting.open || greeting.incarnation !== connected || (greeting.leads && !mayLead)) {
      lines.destroy();
      return false;
    }
    if (this.#link.isBehind) this.#plane.beginning.close();
    const abort = (): void => lines.destroy();
    signal.addEventListener('abort', abort, { once: true });
    const socket = lines.release();
    this.#receiving = socket;
    try {
      socket.write('"go"\n');
      await receiveState(socket, this.#plane, this.#stateMachine, {
        highestHead: () => this.#highestHead,
        hasAsked: () => this.#granted(signal),
      });
      this.received++;
      return true;
    } catch (error) {
      if (error instanceof ConsensusError && error.code === 'APPLY_FAILED') throw error;
      return false;
    } finally {
      signal.removeEventListener('abort', abort);
      this.#receiving = undefined;
      this.#receivedBefore += socket.bytesRead;
    }
  }

  async #granted(signal: AbortSignal): Promise<void> {
    const before = this.#link.int(Int.permissionsGranted);
    const giveUpAt = performance.now() + GRANT_MS;
    // The background plane leaves its word in shared memory; nothing tells us when.
    while (this.#link.int(Int.permissionsGranted) === before && performance.now() < giveUpAt)
      await delay(1, undefined, { signal });
  }

  /** Below this, some ring holds nothing any more. */
  get #highestHead(): number {
    return Math.max(0, ...this.#peers.map((peer) => this.#link.offset(Double.peerHead, peer)));
  }
}
