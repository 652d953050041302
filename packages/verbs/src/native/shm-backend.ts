import { userInfo } from 'node:os';
import type { Backend, DeviceInfo } from '../backend.ts';
import { Device } from '../device.ts';
import { refuse } from '../errors.ts';
import type { Binding } from './binding.ts';
import { loadBinding } from './load.ts';
import { NativeBackend } from './native-backend.ts';

/** Where processes of one machine meet, and how their network behaves. */
export interface ShmOptions {
  /**
   * Directory of the fabric, on a memory file system; made with mode 0700, and removed with its last
   * segment. Default: /dev/shm/mu-smr-<uid>.
   */
  readonly fabric?: string;
  /**
   * Completions come this many nanoseconds after the doorbell handed their work request over, to show
   * figures on the terms of a NIC; within one process at once. Results made with it are *modelled*. Default 0.
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
  queuePairTypes: ['RC'],
  limits: {
    sendQueueDepthMax: 32_768,
    completionQueueDepthMax: 65_536,
    inlineBytesMax: 256,
    messageBytesMax: 0x4000_0000,
    regionBytesMax: 0x4000_0000,
    mtuBytes: 4096,
    receiveQueueDepthMax: 0,
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

class ShmBackend extends NativeBackend {
  readonly name = 'shm';
  readonly #fabric: string;
  readonly #fabricRttNs: number;

  constructor(binding: Binding, fabric: string, fabricRttNs: number) {
    super(binding);
    this.#fabric = fabric;
    this.#fabricRttNs = fabricRttNs;
  }

  listDevices(): DeviceInfo[] {
    return [SHM_DEVICE];
  }

  openContext(device: string): number {
    if (device !== SHM_DEVICE.name) throw refuse('ibv_open_device', 'ENODEV', device);
    return this.binding.openShmContext(this.#fabric, this.#fabricRttNs);
  }
}
