import type { Backend } from './backend.ts';
import { DatagramControl, DatagramQueuePair, type DatagramOptions } from './datagram-queue-pair.ts';
import type { QueuePairEndpoint } from './endpoint.ts';
import { Owned } from './lifetime.ts';
import type { ProtectionDomain } from './protection-domain.ts';
import { QueuePair } from './queue-pair.ts';
import { QueuePairControl } from './queue-pair-control.ts';
import type { QueuePairSetup } from './queue-pair-setup.ts';
import { QueuePairType } from './queue-pair-type.ts';

/** How a queue pair goes from INIT to RTS. */
export interface ConnectOptions {
  /** What the peer may do through this queue pair: bits of `AccessFlags`; on `UC` only writes are. */
  readonly accessFlags: number;
  /** 24 bits; the peer's send side must start with the same number. Default 0. */
  readonly receivePacketSequenceNumber?: number;
  /** 24 bits; the peer's receive side must expect the same number. Default 0. */
  readonly sendPacketSequenceNumber?: number;
}

/** A queue pair that cannot post yet: what both kinds have alike. */
export abstract class UnreadyQueuePair extends Owned {
  /** Where peers find this queue pair; exchange it over any channel. */
  readonly endpoint: QueuePairEndpoint;
  protected readonly domain: ProtectionDomain;
  protected readonly backend: Backend;
  protected readonly handle: number;
  protected readonly setup: QueuePairSetup;
  #ready = false;

  constructor(
    domain: ProtectionDomain,
    backend: Backend,
    domainHandle: number,
    setup: QueuePairSetup,
  ) {
    super(domain, setup.sendRing, setup.sendCompletionQueue, setup.receiveCompletionQueue);
    const raw = backend.createQueuePair(domainHandle, {
      type: QueuePairType[setup.type],
      sendCompletionQueue: setup.sendCompletionQueue.handle,
      receiveCompletionQueue: setup.receiveCompletionQueue.handle,
      sendQueueDepth: setup.sendQueueDepth,
      receiveQueueDepth: setup.receiveQueueDepth,
      inlineBytesMax: setup.inlineBytesMax,
    });
    this.domain = domain;
    this.backend = backend;
    this.handle = raw.queuePair;
    this.setup = setup;
    this.endpoint = {
      provider: backend.name,
      address: raw.address,
      queuePairNumber: raw.queuePairNumber,
    };
    this.attach();
  }

  /** The queue pair belongs to another object from here on. */
  protected handOn(): void {
    this.#ready = true;
    this.close();
  }

  protected release(): void {
    if (!this.#ready) this.backend.destroyQueuePair(this.handle);
  }
}

/**
 * A queue pair with an endpoint to give away and nobody to talk to yet. It has no way to post:
 * `connect` returns the type that has.
 */
export class PreparedQueuePair extends UnreadyQueuePair {
  /** RESET→INIT→RTR→RTS towards `remote`. This object is spent afterwards. */
  connect(remote: QueuePairEndpoint, options: ConnectOptions): QueuePair {
    this.assertOpen();
    const control = new QueuePairControl(this.backend, this.handle, remote);
    control.cycle(options);
    this.handOn();
    return new QueuePair(this.domain, this.backend, control, this.endpoint, this.setup);
  }
}

/** A queue pair of datagrams that has no queue key yet: `open` returns the type that can post. */
export class PreparedDatagramQueuePair extends UnreadyQueuePair {
  /** RESET→INIT→RTR→RTS. This object is spent afterwards. */
  open(options: DatagramOptions): DatagramQueuePair {
    this.assertOpen();
    const control = new DatagramControl(this.backend, this.handle);
    control.cycle(options);
    this.handOn();
    return new DatagramQueuePair(this.domain, this.backend, control, this.endpoint, this.setup);
  }
}
