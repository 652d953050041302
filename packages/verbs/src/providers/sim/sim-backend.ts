import type {
  Backend,
  DeviceInfo,
  PeerThreadState,
  RawCompletionQueue,
  RawMemory,
  RawQueuePair,
  RawQueuePairAttributes,
  RawQueuePairChange,
  RawQueuePairQuery,
  RawSendRing,
} from '../../backend.ts';
import { refuse } from '../../errors.ts';
import { QueuePairState } from '../../queue-pair-state.ts';
import { sendRingBytes } from '../../ring-layout.ts';
import { SimCompletionQueue } from './sim-completion-queue.ts';
import { awaitWrites, ringDoorbell, writeToAll } from './sim-doorbell.ts';
import type { LinkTable } from './sim-faults.ts';
import type { SimDomain, SimHost } from './sim-host.ts';
import { modifyQueuePair } from './sim-modify.ts';
import type { SimNic, SimWires } from './sim-nic.ts';
import { SimQueuePair } from './sim-queue-pair.ts';

/** What a backend needs of its fabric. */
export interface SimBackendFabric extends SimWires {
  readonly nic: SimNic;
  readonly links: LinkTable;
  hostAt(address: string): SimHost | undefined;
  nextRemoteKey(): number;
  nextQueuePairNumber(): number;
}

/** The verbs of one simulated host. After its crash only giving things back still works. */
export class SimBackend implements Backend {
  readonly name = 'sim';
  readonly #fabric: SimBackendFabric;
  readonly #host: SimHost;
  readonly #doorbells = new Map<number, () => void>();
  readonly #writers = new Map<number, () => number>();

  constructor(fabric: SimBackendFabric, host: SimHost) {
    this.#fabric = fabric;
    this.#host = host;
  }

  listDevices(): DeviceInfo[] {
    if (this.#host.state === 'crashed') return [];
    const limits = {
      sendQueueDepthMax: 1 << 14,
      completionQueueDepthMax: 1 << 16,
      inlineBytesMax: 256,
      messageBytesMax: 2 ** 31,
      regionBytesMax: 2 ** 31,
      mtuBytes: this.#fabric.mtuBytes,
      receiveQueueDepthMax: 0,
    };
    return [{ name: this.#host.name, provider: 'sim', queuePairTypes: ['RC'], limits }];
  }

  openContext(device: string): number {
    const host = this.#alive('ibv_open_device');
    if (device !== host.name) throw refuse('ibv_open_device', 'ENODEV', device);
    const handle = host.contexts.reserve();
    host.contexts.set(handle, { handle, rung: false, children: 0 });
    return handle;
  }

  closeContext(context: number): void {
    const { contexts } = this.#host;
    refuseWhileUsed('ibv_close_device', contexts.get(context, 'ibv_close_device').children);
    contexts.delete(context);
  }

  allocateProtectionDomain(context: number): number {
    const host = this.#alive('ibv_alloc_pd');
    const parent = host.contexts.get(context, 'ibv_alloc_pd');
    const handle = host.domains.reserve();
    host.domains.set(handle, { context: parent, children: 0 });
    parent.children++;
    return handle;
  }

  deallocateProtectionDomain(domain: number): void {
    const own = this.#host.domains.get(domain, 'ibv_dealloc_pd');
    refuseWhileUsed('ibv_dealloc_pd', own.children);
    own.context.children--;
    this.#host.domains.delete(domain);
  }

  registerMemory(domain: number, bytes: number, access: number): RawMemory {
    const host = this.#alive('ibv_reg_mr');
    const own = host.domains.get(domain, 'ibv_reg_mr');
    const buffer = new ArrayBuffer(bytes);
    const region = host.regions.reserve();
    const remoteKey = this.#fabric.nextRemoteKey();
    const entry = {
      handle: region,
      domain: own,
      bytes: new Uint8Array(buffer),
      access,
      remoteKey,
    };
    host.regions.set(region, entry);
    this.#fabric.regions.set(remoteKey, entry);
    own.children++;
    return { region, localKey: remoteKey, remoteKey, buffer };
  }

  deregisterMemory(region: number): void {
    const own = this.#host.regions.get(region, 'ibv_dereg_mr');
    own.domain.children--;
    this.#fabric.regions.delete(own.remoteKey);
    this.#host.regions.delete(region);
  }

  openMemory(region: number): ArrayBuffer {
    return this.#alive('ibv_reg_mr').regions.get(region, 'ibv_reg_mr').bytes.buffer;
  }

  createCompletionQueue(context: number, depth: number): RawCompletionQueue {
    const host = this.#alive('ibv_create_cq');
    const parent = host.contexts.get(context, 'ibv_create_cq');
    const own = new SimCompletionQueue(parent, depth);
    const queue = host.completionQueues.reserve();
    host.completionQueues.set(queue, own);
    parent.children++;
    return { queue, ring: own.words.buffer, needsPoll: false };
  }

  pollCompletionQueue(): void {
    // The NIC has put everything into the ring.
  }

  destroyCompletionQueue(queue: number): void {
    const own = this.#host.completionQueues.get(queue, 'ibv_destroy_cq');
    refuseWhileUsed('ibv_destroy_cq', own.queuePairs.size);
    own.context.children--;
    this.#host.completionQueues.delete(queue);
  }

  createSendRing(context: number, depth: number): RawSendRing {
    const host = this.#alive('createSendRing');
    const parent = host.contexts.get(context, 'createSendRing');
    const buffer = new ArrayBuffer(sendRingBytes(depth));
    const own = { context: parent, words: new Uint32Array(buffer), depth };
    const ring = host.sendRings.reserve();
    host.sendRings.set(ring, own);
    parent.children++;
    this.#doorbells.set(ring, () => ringDoorbell(host, own, this.#fabric.nic));
    this.#writers.set(ring, () => writeToAll(host, own, this.#fabric.nic, this.#fabric.immediate));
    return { ring, buffer, immediate: this.#fabric.immediate };
  }

  ringDoorbell(ring: number): void {
    this.#doorbells.get(ring)?.();
  }

  writeNow(ring: number): number {
    return this.#writers.get(ring)?.() ?? 0;
  }

  awaitWrites(ring: number): number {
    return awaitWrites(this.#host, this.#host.sendRings.get(ring, 'awaitWrites'));
  }

  destroySendRing(ring: number): void {
    const own = this.#host.sendRings.get(ring, 'destroySendRing');
    own.context.children--;
    this.#host.sendRings.delete(ring);
    this.#doorbells.delete(ring);
    this.#writers.delete(ring);
  }

  createQueuePair(domain: number, attributes: RawQueuePairAttributes): RawQueuePair {
    const host = this.#alive('ibv_create_qp');
    const own = host.domains.get(domain, 'ibv_create_qp');
    const completionQueue = this.#completionQueue(own, attributes.sendCompletionQueue);
    this.#completionQueue(own, attributes.receiveCompletionQueue);
    const queuePair = new SimQueuePair(
      host.queuePairs.reserve(),
      this.#fabric.nextQueuePairNumber(),
      host,
      own,
      completionQueue,
      attributes.inlineBytesMax,
      this.#fabric.links.between(host.name, host.name),
    );
    host.queuePairs.set(queuePair.handle, queuePair);
    this.#fabric.queuePairs.set(queuePair.number, queuePair);
    completionQueue.queuePairs.add(queuePair);
    own.children++;
    return {
      queuePair: queuePair.handle,
      queuePairNumber: queuePair.number,
      address: host.address,
    };
  }

  destroyQueuePair(queuePair: number): void {
    const own = this.#host.queuePairs.get(queuePair, 'ibv_destroy_qp');
    own.forget();
    own.completionQueue.queuePairs.delete(own);
    own.domain.children--;
    this.#fabric.queuePairs.delete(own.number);
    this.#host.queuePairs.delete(queuePair);
  }

  modifyQueuePair(queuePair: number, change: RawQueuePairChange): void {
    const own = this.#alive('ibv_modify_qp').queuePairs.get(queuePair, 'ibv_modify_qp');
    modifyQueuePair(own, change, this.#fabric.links, this.#fabric.random);
  }

  modifyAccess(queuePair: number, accessFlags: number): void {
    this.modifyQueuePair(queuePair, { state: QueuePairState.readyToSend, accessFlags });
  }

  queryQueuePair(queuePair: number): RawQueuePairQuery {
    const own = this.#host.queuePairs.get(queuePair, 'ibv_query_qp');
    return { state: own.state, accessFlags: own.accessFlags, relocations: 0 };
  }

  /** One simulated host is one thread to its peers. */
  watchThisThread(context: number): void {
    this.#host.contexts.get(context, 'watchThisThread');
  }

  peerThreadState(queuePair: number): PeerThreadState {
    const own = this.#host.queuePairs.get(queuePair, 'peerThreadState');
    if (own.remoteAddress === '') return 'unknown';
    const peer = this.#fabric.hostAt(own.remoteAddress);
    if (peer === undefined || peer.state === 'crashed') return 'dead';
    return peer.state === 'paused' ? 'stopped' : 'running';
  }

  /** Virtual time cannot pass inside a call, so this only tells whether the doorbell was rung. */
  waitForWake(context: number): boolean {
    const own = this.#alive('waitForWake').contexts.get(context, 'waitForWake');
    const { rung } = own;
    own.rung = false;
    return rung;
  }

  wake(context: number): void {
    this.#alive('wake').contexts.get(context, 'wake').rung = true;
  }

  #alive(verb: string): SimHost {
    if (this.#host.state === 'crashed')
      throw refuse(verb, 'ENODEV', `the host ${this.#host.name} has crashed`);
    return this.#host;
  }

  #completionQueue(domain: SimDomain, handle: number): SimCompletionQueue {
    const queue = this.#host.completionQueues.get(handle, 'ibv_create_qp');
    if (queue.context !== domain.context)
      throw refuse('ibv_create_qp', 'EINVAL', 'a completion queue of another context');
    return queue;
  }
}

function refuseWhileUsed(verb: string, users: number): void {
  if (users > 0) throw refuse(verb, 'EBUSY', `${users} object(s) still use it`);
}
