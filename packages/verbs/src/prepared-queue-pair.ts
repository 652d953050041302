import type { Backend } from './backend.ts';
import type { QueuePairEndpoint } from './endpoint.ts';
import { Owned } from './lifetime.ts';
import type { ProtectionDomain, QueuePairOptions } from './protection-domain.ts';
import { QueuePair } from './queue-pair.ts';
import { QueuePairControl } from './queue-pair-control.ts';

/** How a queue pair goes from INIT to RTS. */
export interface ConnectOptions {
  /** What the peer may do through this queue pair: bits of `AccessFlags`. */
  readonly accessFlags: number;
  /** 24 bits; the peer's send side must start with the same number. Default 0. */
  readonly receivePacketSequenceNumber?: number;
  /** 24 bits; the peer's receive side must expect the same number. Default 0. */
  readonly sendPacketSequenceNumber?: number;
}

/**
 * A queue pair with an endpoint to give away and nobody to talk to yet. It has no way to post:
 * `connect` returns the type that has.
 */
export class PreparedQueuePair extends Owned {
  /** Where the peer finds this queue pair; exchange it over any channel. */
  readonly endpoint: QueuePairEndpoint;
  readonly #backend: Backend;
  readonly #handle: number;
  readonly #options: QueuePairOptions;
  readonly #depth: number;
  readonly #inline: number;
  readonly #domain: ProtectionDomain;
  #connected = false;

  constructor(
    domain: ProtectionDomain,
    backend: Backend,
    domainHandle: number,
    options: QueuePairOptions,
    depth: number,
    inline: number,
  ) {
    const receives = options.receiveCompletionQueue ?? options.sendCompletionQueue;
    super(domain, options.sendRing, options.sendCompletionQueue, receives);
    const raw = backend.createQueuePair(domainHandle, {
      sendCompletionQueue: options.sendCompletionQueue.handle,
      receiveCompletionQueue: receives.handle,
      sendQueueDepth: depth,
      inlineBytesMax: inline,
    });
    this.#domain = domain;
    this.#backend = backend;
    this.#handle = raw.queuePair;
    this.#options = options;
    this.#depth = depth;
    this.#inline = inline;
    this.endpoint = {
      provider: backend.name,
      address: raw.address,
      queuePairNumber: raw.queuePairNumber,
    };
    this.attach();
  }

  /** RESET→INIT→RTR→RTS towards `remote`. This object is spent afterwards. */
  connect(remote: QueuePairEndpoint, options: ConnectOptions): QueuePair {
    this.assertOpen();
    const control = new QueuePairControl(this.#backend, this.#handle, remote);
    control.cycle(options);
    this.#connected = true;
    this.close();
    return new QueuePair(
      this.#domain,
      this.#backend,
      control,
      this.endpoint,
      this.#options,
      this.#depth,
      this.#inline,
    );
  }

  protected release(): void {
    // Once connected the queue pair belongs to the object that `connect` returned.
    if (!this.#connected) this.#backend.destroyQueuePair(this.#handle);
  }
}
