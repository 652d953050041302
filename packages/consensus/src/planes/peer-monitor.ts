import {
  AccessFlags,
  Opcode,
  SendFlags,
  type MemoryRegion,
  type PeerThreadState,
  type QueuePair,
  type QueuePairControl,
  type SendRing,
} from '@mu-smr/verbs';
import { LOG_BEGIN, type LogOffset } from '@mu-smr/log';
import { PullScore } from '../core/pull-score.ts';
import { standsStill, suspects, type SuspicionOptions } from '../core/suspicion.ts';
import type { Tuning } from '../limits.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import { generationPsn } from './background-lanes.ts';
import { NoClaim, Scratchpad, STATUS_BYTES, type StatusLine } from './scratchpad.ts';

const READ = Opcode.rdmaRead | SendFlags.signaled;
const WRITE_WAKE = Opcode.rdmaWrite | SendFlags.signaled | SendFlags.wake;

/** What a background work request was for; the high word of its id holds the peer. */
export const BackgroundPurpose = { pull: 1, write: 2 } as const;

/** How the background plane reaches one peer. */
export interface BackgroundPeer {
  readonly id: ReplicaId;
  readonly queuePair: QueuePair;
  /** Remote key of its scratchpad. */
  readonly scratchKey: number;
}

/** A replica that the background plane reaches, the own one included. */
export interface BackgroundConnection {
  readonly id: ReplicaId;
  /** The end at which it writes our log, and that on which our replication plane posts to it. */
  readonly incoming: QueuePairControl;
  readonly outgoing: QueuePairControl;
  /** How its scratchpad is reached; our own needs no way. */
  readonly peer: BackgroundPeer | undefined;
}

/** Pulls one peer's status line, scores its heartbeat, and says whether it is trusted. */
export class PeerMonitor {
  readonly id: ReplicaId;
  /** The last status that was pulled. */
  readonly status: StatusLine = {
    heartbeat: 0,
    applied: LOG_BEGIN,
    head: LOG_BEGIN,
    known: LOG_BEGIN,
    claim: 0,
    configured: LOG_BEGIN,
  };
  /**
   * Whether our ring held all that it missed when it was pulled last. Since then we may have released more,
   * which it knew before us.
   */
  servable = false;
  /** First offset that our ring held when the pull was posted. */
  #kept = LOG_BEGIN;
  /** When it last claimed leadership. */
  lastClaimUs = Number.NEGATIVE_INFINITY;
  /** When it last applied something, or had nothing to apply. */
  #appliedAtUs: number;
  readonly #peer: BackgroundPeer;
  readonly #score: PullScore;
  readonly #scratch: Scratchpad;
  readonly #memory: MemoryRegion;
  readonly #sendRing: SendRing;
  readonly #tuning: Tuning;
  readonly #suspicion: SuspicionOptions;
  readonly #threadState: () => PeerThreadState;
  #pulling = false;
  #dead = false;
  /** Since when the connection is lost, and being made anew. */
  #lostAtUs: number | undefined;
  #trusted = true;

  constructor(
    peer: BackgroundPeer,
    scratch: Scratchpad,
    memory: MemoryRegion,
    sendRing: SendRing,
    tuning: Tuning,
    nowUs: number,
  ) {
    this.id = peer.id;
    this.#peer = peer;
    this.#score = new PullScore(tuning.score, nowUs);
    this.#scratch = scratch;
    this.#memory = memory;
    this.#sendRing = sendRing;
    this.#tuning = tuning;
    this.#appliedAtUs = nowUs;
    this.#suspicion = { verify: tuning.verifySuspicions, hardLimitUs: tuning.hardLimitUs };
    this.#threadState = () => (this.#dead ? 'dead' : peer.queuePair.control.peerThreadState());
  }

  get score(): number {
    return this.#score.score;
  }

  get trusted(): boolean {
    return this.#trusted;
  }

  /** Whether its log has begun, so that it may grant it. */
  get begun(): boolean {
    return this.status.claim !== NoClaim.closed;
  }

  /** Alive, and applying what there is to apply. */
  keepsUp(nowUs: number): boolean {
    return this.#trusted && nowUs - this.#appliedAtUs <= this.#tuning.slowFollowerUs;
  }

  /**
   * Posts the next read of the peer's status, or counts the last as missed when it is still out. `kept`:
   * the first offset that our ring holds.
   */
  pull(nowUs: number, kept: LogOffset): void {
    if (this.#dead || !this.#connected(nowUs)) return;
    if (this.#pulling) {
      this.#score.missed();
      return;
    }
    this.#pulling = true;
    this.#kept = kept;
    this.#sendRing.post(
      this.#peer.queuePair,
      READ,
      this.#memory.handle,
      Scratchpad.pulledAt(this.id),
      STATUS_BYTES,
      this.#peer.scratchKey,
      Scratchpad.statusAt,
      BackgroundPurpose.pull,
      this.id,
    );
  }

  /** Writes a line of ours into the peer's scratchpad and rings its doorbell. */
  write(from: number, bytes: number, to: number): void {
    if (this.#dead || this.#lostAtUs !== undefined) return;
    const { queuePair, scratchKey } = this.#peer;
    if (queuePair.outstanding >= queuePair.sendQueueDepth) return;
    const { handle } = this.#memory;
    this.#sendRing.post(
      queuePair,
      WRITE_WAKE,
      handle,
      from,
      bytes,
      scratchKey,
      to,
      BackgroundPurpose.write,
      this.id,
    );
  }

  /** `known`: how far the log is known here to be decided. */
  completed(purpose: number, ok: boolean, nowUs: number, known: LogOffset): void {
    // What was under way when the connection was lost is flushed later.
    if (this.#lostAtUs !== undefined) return;
    if (!ok) {
      this.#lose(nowUs);
      return;
    }
    if (purpose !== BackgroundPurpose.pull) return;
    this.#pulling = false;
    const { applied } = this.status;
    // Half of a change is no sign of anything: the next pull tells.
    if (!this.#scratch.pulled(this.id, this.status)) return;
    // By what is known here: a peer that gets no entries has none to apply, and falls behind.
    if (this.status.applied !== applied || this.status.applied >= known) this.#appliedAtUs = nowUs;
    this.servable = this.status.known >= this.#kept;
    this.#score.pulled(this.status.heartbeat, nowUs);
    if (this.status.claim > 0) this.lastClaimUs = nowUs;
  }

  /**
   * A failed operation is certain knowledge on shm: the kernel marked the peer's death. A network only
   * says that the connection is lost, and takes the queue pair to ERR.
   */
  #lose(nowUs: number): void {
    this.#score.fell();
    if (this.#tuning.reviveUs === 0) this.#dead = true;
    else this.#reconnect(nowUs);
  }

  /**
   * Makes the connection anew, and leaves it alone for a while: the peer must find its own end broken
   * and do the same, before either posts. Both begin with the same number, for they cannot ask each
   * other for one; whoever is late ends the other's try, and the next one meets.
   */
  #reconnect(nowUs: number): void {
    this.#lostAtUs = nowUs;
    const psn = generationPsn(0);
    this.#peer.queuePair.control.cycleElsewhere({
      accessFlags: AccessFlags.remoteRead | AccessFlags.remoteWrite,
      receivePacketSequenceNumber: psn,
      sendPacketSequenceNumber: psn,
    });
  }

  /** Whether the connection may be used: not lost, or made anew and given time. */
  #connected(nowUs: number): boolean {
    if (this.#lostAtUs === undefined) return true;
    if (nowUs - this.#lostAtUs < this.#tuning.reviveUs) return false;
    if (this.#peer.queuePair.control.state !== 'readyToSend') {
      this.#reconnect(nowUs);
      return false;
    }
    this.#lostAtUs = undefined;
    this.#pulling = false;
    return true;
  }

  /** Forms the verdict anew; returns whether it has just become a suspicion. `leads`: for all we know. */
  judge(nowUs: number, leads: boolean): boolean {
    const before = this.#trusted;
    if (leads && standsStill(this.#score, this.#threadState, this.#suspicion)) this.#score.fell();
    this.#trusted = !suspects(this.#score, this.#threadState, nowUs, this.#suspicion);
    return before && !this.#trusted;
  }
}
