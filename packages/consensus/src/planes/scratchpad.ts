import { sealTrailer, trailerMatches } from '@mu-smr/verbs';
import type { LogOffset } from '@mu-smr/log';
import { REPLICAS_MAX } from '../core/proposal-number.ts';
import type { ReplicaId } from '../propose-outcome.ts';

/**
 * The background plane's memory: what peers read of us, what they write to us, and what we write to
 * them from. Lines of 64 bytes, one writer each; lines written by peers are sealed, because a write
 * may be cut off in the middle.
 */
const LINE = 64;
const STATUS = 0;
const REQUESTS = LINE;
const ACKNOWLEDGEMENTS = REQUESTS + REPLICAS_MAX * LINE;
const PULLED = ACKNOWLEDGEMENTS + REPLICAS_MAX * LINE;
const OUT_REQUESTS = PULLED + REPLICAS_MAX * LINE;
const OUT_ACKNOWLEDGEMENTS = OUT_REQUESTS + REPLICAS_MAX * LINE;

export const SCRATCHPAD_BYTES = OUT_ACKNOWLEDGEMENTS + REPLICAS_MAX * LINE;

/** Bytes of each kind of line that travel. */
export const STATUS_BYTES = 64;
export const REQUEST_BYTES = 24;
export const ACKNOWLEDGEMENT_BYTES = 48;

/** What every replica publishes of itself, pulled by its peers. */
export interface StatusLine {
  heartbeat: number;
  applied: LogOffset;
  head: LogOffset;
  known: LogOffset;
  /** The epoch in which it leads or tries to; 0 = it does not, below = it cannot: see `NoClaim`, `handOverClaim`. */
  claim: number;
  /** Where the entry of the last change of the membership that it applied ends. */
  configured: LogOffset;
}

/** Why a replica claims nothing. */
export const NoClaim = {
  /** It is no member, or behind every ring. */
  ineligible: -1,
  /** Its log has no beginning yet: nothing waits for what it applies. */
  closed: -2,
} as const;

/** From here downward: it led until now, and wants another to lead. */
const HANDS_OVER = -16;

/** The claim of a replica whose epoch was ended for `successor`. */
export function handOverClaim(successor: ReplicaId): number {
  return HANDS_OVER - successor;
}

/** Whom the replica with this claim wants to lead. */
export function successorIn(claim: number): ReplicaId | undefined {
  return claim <= HANDS_OVER ? HANDS_OVER - claim : undefined;
}

/** "Let me be the one who writes your log." */
export interface PermissionRequest {
  /** Increasing per requester. */
  readonly sequence: number;
  /** Generation of the requester's outgoing lane; the granter's side must match it. */
  readonly generation: number;
}

/** "You are; and this is how far my log is." */
export interface PermissionAck {
  readonly sequence: number;
  readonly known: LogOffset;
  readonly head: LogOffset;
}

export class Scratchpad {
  readonly #bytes: Uint8Array;
  readonly #doubles: Float64Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#doubles = new Float64Array(bytes.buffer, bytes.byteOffset, SCRATCHPAD_BYTES / 8);
  }

  static readonly statusAt = STATUS;

  static requestAt(requester: number): number {
    return REQUESTS + requester * LINE;
  }

  static ackAt(granter: number): number {
    return ACKNOWLEDGEMENTS + granter * LINE;
  }

  static pulledAt(peer: number): number {
    return PULLED + peer * LINE;
  }

  static outRequestAt(to: number): number {
    return OUT_REQUESTS + to * LINE;
  }

  static outAckAt(to: number): number {
    return OUT_ACKNOWLEDGEMENTS + to * LINE;
  }

  /** Publishes our own status; called every tick, so it allocates nothing. */
  writeStatus(
    heartbeat: number,
    applied: LogOffset,
    head: LogOffset,
    known: LogOffset,
    claim: number,
    configured: LogOffset,
  ): void {
    const doubles = this.#doubles;
    const at = STATUS / 8;
    // The same number at both ends: a read that is cut by this change sees two.
    const version = doubles[at] + 1;
    doubles[at] = version;
    doubles[at + 1] = heartbeat;
    doubles[at + 2] = applied;
    doubles[at + 3] = head;
    doubles[at + 4] = known;
    doubles[at + 5] = claim;
    doubles[at + 6] = configured;
    doubles[at + 7] = version;
  }

  /** Takes in what the last pull of a peer's status brought; false when it saw half of a change. */
  pulled(peer: number, into: StatusLine): boolean {
    const doubles = this.#doubles;
    const at = (PULLED + peer * LINE) / 8;
    if (doubles[at] !== doubles[at + 7]) return false;
    into.heartbeat = doubles[at + 1];
    into.applied = doubles[at + 2] as LogOffset;
    into.head = doubles[at + 3] as LogOffset;
    into.known = doubles[at + 4] as LogOffset;
    into.claim = doubles[at + 5];
    into.configured = doubles[at + 6] as LogOffset;
    return true;
  }

  /** Another replica is to write a peer's lines: those of the last one mean nothing any more. */
  clear(peer: number): void {
    for (const at of [
      Scratchpad.requestAt(peer),
      Scratchpad.ackAt(peer),
      Scratchpad.pulledAt(peer),
    ])
      this.#bytes.fill(0, at, at + LINE);
  }

  /** The sequence number of a peer's request, whole or not: a cheap look before `request`. */
  requestSequence(requester: number): number {
    return this.#doubles[Scratchpad.requestAt(requester) / 8];
  }

  /** Stores a request at `at`: in our own line for ourselves, else where a write takes it from. */
  writeRequest(at: number, request: PermissionRequest): void {
    this.#doubles[at / 8] = request.sequence;
    this.#doubles[at / 8 + 1] = request.generation;
    sealTrailer(this.#bytes, at, at + REQUEST_BYTES);
  }

  /** A peer's request, or `undefined` when there is none whole. */
  request(requester: number): PermissionRequest | undefined {
    const at = Scratchpad.requestAt(requester);
    if (!trailerMatches(this.#bytes, at, at + REQUEST_BYTES)) return undefined;
    return { sequence: this.#doubles[at / 8], generation: this.#doubles[at / 8 + 1] };
  }

  writeAck(at: number, ack: PermissionAck): void {
    const doubles = this.#doubles;
    doubles[at / 8] = ack.sequence;
    doubles[at / 8 + 1] = ack.known;
    doubles[at / 8 + 2] = ack.head;
    doubles.fill(0, at / 8 + 3, at / 8 + 5);
    sealTrailer(this.#bytes, at, at + ACKNOWLEDGEMENT_BYTES);
  }

  ack(granter: number): PermissionAck | undefined {
    const at = Scratchpad.ackAt(granter);
    if (!trailerMatches(this.#bytes, at, at + ACKNOWLEDGEMENT_BYTES)) return undefined;
    const doubles = this.#doubles;
    const known = doubles[at / 8 + 1] as LogOffset;
    return { sequence: doubles[at / 8], known, head: doubles[at / 8 + 2] as LogOffset };
  }
}
