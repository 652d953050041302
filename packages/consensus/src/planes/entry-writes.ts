import { Opcode, SendFlags, type SendRing, type WriteTargets } from '@mu-smr/verbs';
import { LanePurpose, laneTag, type Lane } from './lane.ts';

const WRITE = Opcode.rdmaWrite | SendFlags.signaled;
/** The first work request seals the bytes for all: they are the same memory. */
const WRITE_SEALED = WRITE | SendFlags.seal;

/** Carries staged entries to the logs of all confirmed followers, our own among them. */
export class EntryWrites {
  /** Confirmed lanes, in the order they are posted to. */
  active: readonly Lane[] = [];
  #targets: WriteTargets = targetsOf([], 0);
  #epoch = 0;
  readonly #sendRing: SendRing;
  readonly #staging: number;

  constructor(sendRing: SendRing, staging: { readonly handle: number }) {
    this.#sendRing = sendRing;
    this.#staging = staging.handle;
  }

  begin(epoch: number, lanes: readonly Lane[]): void {
    this.#epoch = epoch;
    this.to(lanes);
  }

  to(lanes: readonly Lane[]): void {
    this.active = [...lanes].sort((a, b) => a.to - b.to);
    this.#targets = targetsOf(this.active, this.#epoch);
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

  /** The same, and rings the doorbell: a bit for each of `active` that has them and will not complete. */
  now(at: number, bytes: number, position: number, serial: number): number {
    return this.#sendRing.writeNow(
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

  doorbell(): void {
    this.#sendRing.doorbell();
  }
}

function targetsOf(lanes: readonly Lane[], epoch: number): WriteTargets {
  return {
    queuePairs: lanes.map((lane) => lane.queuePair),
    remoteKeys: Uint32Array.from(lanes, (lane) => lane.logKey),
    workRequestIdsHigh: Uint32Array.from(lanes, (lane) =>
      laneTag(lane.to, LanePurpose.entry, epoch),
    ),
  };
}
