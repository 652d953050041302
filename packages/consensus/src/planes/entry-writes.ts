import {
  Opcode,
  SendFlags,
  type CompletionQueue,
  type QueuePair,
  type SendRing,
  type WriteTargets,
} from '@mu-smr/verbs';
import { LanePurpose, laneTag, type Lane } from './lane.ts';

const WRITE = Opcode.rdmaWrite | SendFlags.signaled;
/** The first work request seals the bytes for all: they are the same memory. */
const WRITE_SEALED = WRITE | SendFlags.seal;

/** Carries staged entries to the logs of all confirmed followers, our own among them. */
export class EntryWrites {
  /** Confirmed lanes, in the order they are posted to. */
  active: readonly Lane[] = [];
  #targets: WriteTargets;
  #epoch = 0;
  readonly #self: number;
  readonly #sendRing: SendRing;
  /** Where all lanes complete. */
  readonly #completions: CompletionQueue;
  readonly #staging: number;

  constructor(
    self: number,
    sendRing: SendRing,
    completions: CompletionQueue,
    staging: { readonly handle: number },
  ) {
    this.#self = self;
    this.#sendRing = sendRing;
    this.#completions = completions;
    this.#staging = staging.handle;
    this.#targets = this.#targetsOf([]);
  }

  begin(epoch: number, lanes: readonly Lane[]): void {
    this.#epoch = epoch;
    this.to(lanes);
  }

  /** Our own log is posted to last: what goes to the others is on its way meanwhile. */
  to(lanes: readonly Lane[]): void {
    const active: Lane[] = [];
    for (const lane of lanes) if (lane.to !== this.#self) active.push(lane);
    for (const lane of lanes) if (lane.to === this.#self) active.push(lane);
    this.active = active;
    this.#targets = this.#targetsOf(active);
  }

  /** Whether a write is over when `now` returns. */
  get immediate(): boolean {
    return this.#sendRing.immediate;
  }

  /** Posts the `bytes` bytes that are staged at `at`; each lane completes with `serial`. */
  post(at: number, bytes: number, position: number, serial: number): void {
    this.#sendRing.postToAll(
      this.#targets,
      WRITE_SEALED,
      WRITE,
      this.#staging,
      at,
      bytes,
      position,
      serial >>> 0,
    );
  }

  /**
   * The same, rings the doorbell, and waits a little until `needed` lanes have them, our own among them: a
   * bit for each of `active` that has, and 16 higher for each that has earlier ones (`SendRing.writeNow`).
   */
  now(at: number, bytes: number, position: number, serial: number, needed: number): number {
    return this.#sendRing.writeNow(
      this.#targets,
      WRITE_SEALED,
      WRITE,
      this.#staging,
      at,
      bytes,
      position,
      serial >>> 0,
      needed,
    );
  }

  /** Waits again for the last `now`; only with the same lanes `active` as then. */
  again(): number {
    return this.#sendRing.awaitWrites();
  }

  /** The last earlier entry that `active[n]` was found to have. */
  earlierSerial(n: number): number {
    return this.#sendRing.earlierId(n);
  }

  doorbell(): void {
    this.#sendRing.doorbell();
  }

  #targetsOf(lanes: readonly Lane[]): WriteTargets {
    const queuePairs: QueuePair[] = [];
    const remoteKeys = new Uint32Array(lanes.length);
    const workRequestIdsHigh = new Uint32Array(lanes.length);
    let required = 0;
    // Loops throughout: an epoch that begins waits for this, and its code was not run for a while.
    for (const [n, { to, queuePair, logKey }] of lanes.entries()) {
      queuePairs.push(queuePair);
      remoteKeys[n] = logKey;
      workRequestIdsHigh[n] = laneTag(to, LanePurpose.entry, this.#epoch);
      if (to === this.#self) required = 1 << n;
    }
    return {
      queuePairs,
      remoteKeys,
      workRequestIdsHigh,
      completionQueue: this.#completions,
      required,
    };
  }
}
