import type { AddressHandle } from './address-handle.ts';
import type { Backend, RawQueuePairChange } from './backend.ts';
import type { QueuePairEndpoint } from './endpoint.ts';
import { refuse } from './errors.ts';
import { PostingQueuePair } from './posting-queue-pair.ts';
import type { ProtectionDomain } from './protection-domain.ts';
import type { QueuePairSetup } from './queue-pair-setup.ts';
import { QueuePairState, queuePairStateName, type QueuePairStateName } from './queue-pair-state.ts';
import { SendFlags } from './ring-layout.ts';
import { Opcode } from './work-completion.ts';
import { checkLocal, checkWord, idWords } from './work-request-checks.ts';
import type { Message, WorkRequestOptions } from './work-request.ts';

/** Before each datagram that is received: the packet's global routing header, or what stands for it. */
export const GLOBAL_HEADER_BYTES = 40;

/** Queue keys with the top bit set are the system's own. */
const QUEUE_KEY_MAX = 0x7fff_ffff;

/** How a queue pair of datagrams goes from RESET to RTS. */
export interface DatagramOptions {
  /** 31 bits, which senders must know: `qkey` of ibv_modify_qp(3). */
  readonly queueKey: number;
  /** 24 bits. Default 0. */
  readonly sendPacketSequenceNumber?: number;
}

/** One datagram for `DatagramQueuePair.postSend`. */
export interface Datagram extends WorkRequestOptions, Message {
  readonly to: DatagramTarget;
}

/** A queue pair that a datagram goes to. */
export interface DatagramTarget {
  readonly addressHandle: AddressHandle;
  readonly queuePairNumber: number;
  readonly queueKey: number;
}

/**
 * A queue pair of datagrams (`UD`), which talks to any number of others. What it sends completes when it
 * was sent, and may be lost: when nobody is there, has no receive posted, or has another queue key.
 */
export class DatagramQueuePair extends PostingQueuePair {
  /** State; also usable from other threads. */
  readonly control: DatagramControl;
  /** Longest datagram: what one packet of the port carries. */
  readonly messageBytesMax: number;

  constructor(
    domain: ProtectionDomain,
    backend: Backend,
    control: DatagramControl,
    endpoint: QueuePairEndpoint,
    setup: QueuePairSetup,
  ) {
    super(domain, backend, control.handle, endpoint, setup);
    this.control = control;
    this.messageBytesMax = domain.context.device.limits.mtuBytes;
  }

  /**
   * Posts one datagram; `doorbell` hands it over. ibv_post_send(3). Throws `VerbsError`: ENOMEM when a
   * queue is full, EMSGSIZE for more than a packet carries or inline allows, EINVAL for a range, number or
   * key that cannot be right, EBADF when the address handle was closed.
   */
  postSend(datagram: Datagram): void {
    const { local, to, workRequestId = 0, signaled = true, immediate = 0 } = datagram;
    checkLocal('ibv_post_send', local);
    const max = this.messageBytesMax;
    if (local.length > max)
      throw refuse('ibv_post_send', 'EMSGSIZE', `${local.length} bytes, a packet has ${max}`);
    to.addressHandle.assertOpen();
    checkWord('ibv_post_send', 'queue pair number', to.queuePairNumber);
    checkQueueKey('ibv_post_send', to.queueKey);
    const flags = Opcode.send | (signaled ? SendFlags.signaled : 0) | this.messageFlags(datagram);
    const [low, high] = idWords(workRequestId);
    this.sendRing.postMessage(
      this,
      flags,
      local.region.handle,
      local.offset,
      local.length,
      to.queueKey,
      to.queuePairNumber,
      immediate,
      to.addressHandle.handle,
      low,
      high,
    );
  }
}

/** State of a queue pair of datagrams; every thread of the process may hold one. */
export class DatagramControl {
  readonly handle: number;
  readonly #backend: Backend;

  constructor(backend: Backend, handle: number) {
    this.#backend = backend;
    this.handle = handle;
  }

  /** ibv_query_qp(3): the state as the provider sees it now. */
  get state(): QueuePairStateName {
    return queuePairStateName(this.#backend.queryQueuePair(this.handle).state);
  }

  /** RESET→INIT→RTR→RTS; what was outstanding, receives too, is flushed. */
  cycle({ queueKey, sendPacketSequenceNumber = 0 }: DatagramOptions): void {
    checkQueueKey('ibv_modify_qp', queueKey);
    const steps: RawQueuePairChange[] = [
      { state: QueuePairState.reset },
      { state: QueuePairState.init, queueKey },
      { state: QueuePairState.readyToReceive },
      { state: QueuePairState.readyToSend, sendPacketSequenceNumber },
    ];
    for (const step of steps) this.#backend.modifyQueuePair(this.handle, step);
  }

  /** To ERR: everything outstanding is flushed, nothing is received. */
  fail(): void {
    this.#backend.modifyQueuePair(this.handle, { state: QueuePairState.error });
  }
}

function checkQueueKey(verb: string, queueKey: number): void {
  checkWord(verb, 'queue key', queueKey);
  if (queueKey > QUEUE_KEY_MAX)
    throw refuse(verb, 'EINVAL', `queue key ${queueKey} has more than 31 bits`);
}
