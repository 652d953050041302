import {
  Opcode,
  SendFlags,
  type MemoryRegion,
  type PeerThreadState,
  type QueuePair,
  type SendRing,
} from '@mu-smr/verbs';
import { LOG_BEGIN } from '@mu-smr/log';
import { PullScore } from '../core/pull-score.ts';
import { suspects, type SuspicionOptions } from '../core/suspicion.ts';
import type { Tuning } from '../limits.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import { Scratchpad, STATUS_BYTES, type StatusLine } from './scratchpad.ts';

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
  };
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

  /** Alive, and applying what there is to apply. */
  keepsUp(nowUs: number): boolean {
    return this.#trusted && nowUs - this.#appliedAtUs <= this.#tuning.slowFollowerUs;
  }

  /** Posts the next read of the peer's status, or counts the last as missed when it is still out. */
  pull(): void {
    if (this.#dead) return;
    if (this.#pulling) {
      this.#score.missed();
      return;
    }
    this.#pulling = true;
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
    if (this.#dead) return;
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

  completed(purpose: number, ok: boolean, nowUs: number): void {
    if (!ok) {
      // Certain knowledge on shm (the kernel marked its death), a lost connection elsewhere.
      this.#dead = true;
      this.#score.died();
      return;
    }
    if (purpose !== BackgroundPurpose.pull) return;
    this.#pulling = false;
    const { applied } = this.status;
    // Half of a change is no sign of anything: the next pull tells.
    if (!this.#scratch.pulled(this.id, this.status)) return;
    if (this.status.applied !== applied || this.status.applied >= this.status.known)
      this.#appliedAtUs = nowUs;
    this.#score.pulled(this.status.heartbeat, nowUs);
    if (this.status.claim > 0) this.lastClaimUs = nowUs;
  }

  /** Forms the verdict anew; returns whether it has just become a suspicion. */
  judge(nowUs: number): boolean {
    const before = this.#trusted;
    this.#trusted = !suspects(this.#score, this.#threadState, nowUs, this.#suspicion);
    return before && !this.#trusted;
  }
}
