import type { Backend, DeviceInfo } from '../backend.ts';
import { Mailbox } from '../ring-layout.ts';
import type { Binding } from './binding.ts';

/** What all providers of the addon have in common: everything but which devices there are. */
export abstract class NativeBackend implements Backend {
  abstract readonly name: Backend['name'];
  protected readonly binding: Binding;
  readonly #mailbox: Uint32Array;
  readonly #writeNow: Binding['writeNow'];
  readonly #awaitWrites: Binding['awaitWrites'];
  readonly #contextOfDomain = new Map<number, number>();

  constructor(binding: Binding) {
    this.binding = binding;
    this.#mailbox = binding.mailbox;
    this.#writeNow = binding.writeNow;
    this.#awaitWrites = binding.awaitWrites;
    for (const name of PASSED_THROUGH) Object.defineProperty(this, name, { value: binding[name] });
  }

  declare closeContext: Binding['closeContext'];
  declare deregisterMemory: Binding['deregisterMemory'];
  declare openMemory: Binding['openMemory'];
  declare createCompletionQueue: Binding['createCompletionQueue'];
  declare pollCompletionQueue: Binding['pollCompletionQueue'];
  declare destroyCompletionQueue: Binding['destroyCompletionQueue'];
  declare createSendRing: Binding['createSendRing'];
  declare destroySendRing: Binding['destroySendRing'];
  declare ringDoorbell: Binding['ringDoorbell'];
  declare destroyQueuePair: Binding['destroyQueuePair'];
  declare modifyQueuePair: Binding['modifyQueuePair'];
  declare modifyAccess: Binding['modifyAccess'];
  declare queryQueuePair: Binding['queryQueuePair'];
  declare destroyAddressHandle: Binding['destroyAddressHandle'];
  declare peerThreadState: Binding['peerThreadState'];
  declare watchThisThread: Binding['watchThisThread'];
  declare waitForWake: Binding['waitForWake'];
  declare wake: Binding['wake'];

  abstract listDevices(): DeviceInfo[];
  abstract openContext(device: string): number;

  allocateProtectionDomain(context: number): number {
    const domain = this.binding.allocateProtectionDomain(context);
    this.#contextOfDomain.set(domain, context);
    return domain;
  }

  deallocateProtectionDomain(domain: number): void {
    this.binding.deallocateProtectionDomain(domain);
    this.#contextOfDomain.delete(domain);
  }

  registerMemory(
    domain: number,
    bytes: number,
    access: number,
  ): ReturnType<Backend['registerMemory']> {
    return this.binding.registerMemory(this.#contextOf(domain), domain, bytes, access);
  }

  createQueuePair(
    domain: number,
    attributes: Parameters<Backend['createQueuePair']>[1],
  ): ReturnType<Backend['createQueuePair']> {
    return this.binding.createQueuePair(this.#contextOf(domain), domain, attributes);
  }

  createAddressHandle(domain: number, address: string): number {
    return this.binding.createAddressHandle(this.#contextOf(domain), domain, address);
  }

  writeNow(ring: number): number {
    this.#mailbox[Mailbox.ring] = ring;
    this.#writeNow();
    return this.#mailbox[Mailbox.found];
  }

  awaitWrites(ring: number): number {
    this.#mailbox[Mailbox.ring] = ring;
    this.#awaitWrites();
    return this.#mailbox[Mailbox.found];
  }

  #contextOf(domain: number): number {
    return this.#contextOfDomain.get(domain) ?? 0;
  }
}

/** Calls whose contract is the addon's as it is: no wrapper between. */
const PASSED_THROUGH = [
  'closeContext',
  'deregisterMemory',
  'openMemory',
  'createCompletionQueue',
  'pollCompletionQueue',
  'destroyCompletionQueue',
  'createSendRing',
  'destroySendRing',
  'ringDoorbell',
  'destroyQueuePair',
  'modifyQueuePair',
  'modifyAccess',
  'queryQueuePair',
  'destroyAddressHandle',
  'peerThreadState',
  'watchThisThread',
  'waitForWake',
  'wake',
] as const satisfies readonly (keyof Binding & keyof Backend)[];
