import { userInfo } from 'node:os';
import type { Backend, DeviceInfo } from '../backend.ts';
import { Device } from '../device.ts';
import { refuse } from '../errors.ts';
import type { Binding } from './binding.ts';
import { loadBinding } from './load.ts';

/** Where processes of one machine meet, and how their network behaves. */
export interface ShmOptions {
  /**
   * Directory of the fabric, on a memory file system; made with mode 0700, and removed with its last
   * segment. Default: /dev/shm/mu-smr-<uid>.
   */
  readonly fabric?: string;
  /**
   * Delays completions by this many nanoseconds, to show figures on the terms of a NIC. Results made
   * with it are *modelled*. Default 0.
   */
  readonly fabricRttNs?: number;
}

/** The fabric that processes of this user share unless told otherwise. */
export function defaultFabric(): string {
  return `/dev/shm/mu-smr-${userInfo().uid}`;
}

const SHM_DEVICE: DeviceInfo = {
  name: 'shm0',
  provider: 'shm',
  limits: {
    sendQueueDepthMax: 32_768,
    completionQueueDepthMax: 65_536,
    inlineBytesMax: 256,
    messageBytesMax: 0x4000_0000,
    regionBytesMax: 0x4000_0000,
    mtuBytes: 4096,
  },
};

/** The shared-memory provider over one fabric. */
export function shmBackend(options: ShmOptions = {}): Backend {
  const binding = loadBinding();
  return new ShmBackend(binding, options.fabric ?? defaultFabric(), options.fabricRttNs ?? 0);
}

/** The devices of the shared-memory provider: one, on every Linux machine. */
export function shmDevice(options: ShmOptions = {}): Device {
  return new Device(shmBackend(options), SHM_DEVICE);
}

class ShmBackend implements Backend {
  readonly name = 'shm';
  readonly #binding: Binding;
  readonly #fabric: string;
  readonly #fabricRttNs: number;
  readonly #contextOfDomain = new Map<number, number>();

  constructor(binding: Binding, fabric: string, fabricRttNs: number) {
    this.#binding = binding;
    this.#fabric = fabric;
    this.#fabricRttNs = fabricRttNs;
    for (const name of PASSED_THROUGH) Object.defineProperty(this, name, { value: binding[name] });
  }

  declare closeContext: Binding['closeContext'];
  declare deregisterMemory: Binding['deregisterMemory'];
  declare openMemory: Binding['openMemory'];
  declare createCompletionQueue: Binding['createCompletionQueue'];
  declare destroyCompletionQueue: Binding['destroyCompletionQueue'];
  declare createSendRing: Binding['createSendRing'];
  declare destroySendRing: Binding['destroySendRing'];
  declare destroyQueuePair: Binding['destroyQueuePair'];
  declare modifyQueuePair: Binding['modifyQueuePair'];
  declare queryQueuePair: Binding['queryQueuePair'];
  declare peerThreadState: Binding['peerThreadState'];
  declare watchThisThread: Binding['watchThisThread'];
  declare waitForWake: Binding['waitForWake'];
  declare wake: Binding['wake'];

  listDevices(): DeviceInfo[] {
    return [SHM_DEVICE];
  }

  openContext(device: string): number {
    if (device !== SHM_DEVICE.name) throw refuse('ibv_open_device', 'ENODEV', device);
    return this.#binding.openShmContext(this.#fabric, this.#fabricRttNs);
  }

  allocateProtectionDomain(context: number): number {
    const domain = this.#binding.allocateProtectionDomain(context);
    this.#contextOfDomain.set(domain, context);
    return domain;
  }

  deallocateProtectionDomain(domain: number): void {
    this.#binding.deallocateProtectionDomain(domain);
    this.#contextOfDomain.delete(domain);
  }

  registerMemory(
    domain: number,
    bytes: number,
    access: number,
  ): ReturnType<Backend['registerMemory']> {
    return this.#binding.registerMemory(this.#contextOf(domain), domain, bytes, access);
  }

  createQueuePair(
    domain: number,
    attributes: Parameters<Backend['createQueuePair']>[1],
  ): ReturnType<Backend['createQueuePair']> {
    return this.#binding.createQueuePair(this.#contextOf(domain), domain, attributes);
  }

  #contextOf(domain: number): number {
    return this.#contextOfDomain.get(domain) ?? 0;
  }
}

/** Calls whose contract is the addon's as it is: no wrapper between, the data path among them. */
const PASSED_THROUGH = [
  'closeContext',
  'deregisterMemory',
  'openMemory',
  'createCompletionQueue',
  'destroyCompletionQueue',
  'createSendRing',
  'destroySendRing',
  'destroyQueuePair',
  'modifyQueuePair',
  'queryQueuePair',
  'peerThreadState',
  'watchThisThread',
  'waitForWake',
  'wake',
] as const satisfies readonly (keyof Binding & keyof Backend)[];
