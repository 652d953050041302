import {
  AccessFlags,
  RawWrites,
  type Context,
  type Device,
  type PreparedQueuePair,
  type QueuePair,
} from '@mu-smr/verbs';
import type { MeshOffer } from './messages.ts';

const REGION_BYTES = 1024 * 1024;

/** Queue pairs and memory beside the log's, for measuring raw writes in the same run and fabric. */
export class RawMesh {
  readonly #context: Context;
  readonly #self: number;
  readonly #region;
  readonly #queue;
  readonly #ring;
  readonly #prepared: PreparedQueuePair[];
  readonly #connected: { readonly queuePair: QueuePair; readonly remoteKey: number }[] = [];

  constructor(device: Device, self: number, replicas: number) {
    this.#self = self;
    this.#context = device.open();
    const domain = this.#context.allocateProtectionDomain();
    const { localWrite, remoteWrite } = AccessFlags;
    this.#region = domain.allocateMemory(REGION_BYTES, localWrite | remoteWrite);
    this.#queue = this.#context.createCompletionQueue(1024);
    this.#ring = this.#context.createSendRing(256);
    this.#prepared = Array.from({ length: replicas }, () =>
      domain.createQueuePair({ sendRing: this.#ring, sendCompletionQueue: this.#queue }),
    );
  }

  get offer(): MeshOffer {
    return {
      endpoints: this.#prepared.map((one) => one.endpoint),
      remoteKey: this.#region.remoteKey,
    };
  }

  connect(offers: readonly MeshOffer[]): void {
    for (const [peer, offer] of offers.entries()) {
      if (peer === this.#self) continue;
      const accessFlags = AccessFlags.remoteWrite;
      const queuePair = this.#prepared[peer].connect(offer.endpoints[this.#self], { accessFlags });
      this.#connected.push({ queuePair, remoteKey: offer.remoteKey });
    }
  }

  /** Rounds of one write of `bytes` bytes to every peer, each until a majority of the group has it. */
  rounds(bytes: number): RawWrites {
    const writes = this.#connected.map((peer) => ({ ...peer, remoteOffset: 0 }));
    // We are one of the majority, as the leader's own log is.
    const needed = Math.floor((writes.length + 1) / 2);
    return new RawWrites(this.#ring, this.#queue, this.#region, bytes, writes, needed);
  }

  /** Rounds of one write of `bytes` bytes to one peer. */
  toOnePeer(bytes: number): RawWrites {
    const writes = this.#connected.slice(0, 1).map((peer) => ({ ...peer, remoteOffset: 0 }));
    return new RawWrites(this.#ring, this.#queue, this.#region, bytes, writes, 1);
  }

  close(): void {
    this.#context.close();
  }
}
