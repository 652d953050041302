import type { SendRing } from '@mu-smr/verbs';
import type { ReplicaId } from '../propose-outcome.ts';
import type { PeerMonitor } from './peer-monitor.ts';
import {
  ACKNOWLEDGEMENT_BYTES,
  REQUEST_BYTES,
  Scratchpad,
  type PermissionAck,
  type PermissionRequest,
} from './scratchpad.ts';

/** Carries requests and acknowledgements to the scratchpads of replicas, our own included. */
export class Outbox {
  /** How the peers are reached. */
  monitors: readonly PeerMonitor[] = [];
  readonly #self: ReplicaId;
  readonly #scratch: Scratchpad;
  readonly #sendRing: SendRing;
  #posted = false;

  constructor(self: ReplicaId, scratch: Scratchpad, sendRing: SendRing) {
    this.#self = self;
    this.#scratch = scratch;
    this.#sendRing = sendRing;
  }

  request(to: ReplicaId, request: PermissionRequest): void {
    const at = Scratchpad.requestAt(this.#self);
    const from = to === this.#self ? at : Scratchpad.outRequestAt(to);
    this.#scratch.writeRequest(from, request);
    this.#carry(to, from, REQUEST_BYTES, at);
  }

  acknowledge(to: ReplicaId, ack: PermissionAck): void {
    const at = Scratchpad.ackAt(this.#self);
    const from = to === this.#self ? at : Scratchpad.outAckAt(to);
    this.#scratch.writeAck(from, ack);
    this.#carry(to, from, ACKNOWLEDGEMENT_BYTES, at);
  }

  /** Rings the doorbell for what was posted, if anything was. */
  flush(): void {
    if (this.#posted) this.#sendRing.doorbell();
    this.#posted = false;
  }

  /** To ourselves it was carried when it was composed: a local store. */
  #carry(to: ReplicaId, from: number, bytes: number, at: number): void {
    if (to === this.#self) return;
    for (const monitor of this.monitors) if (monitor.id === to) monitor.write(from, bytes, at);
    this.#posted = true;
  }
}
