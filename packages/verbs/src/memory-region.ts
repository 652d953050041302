import type { Backend } from './backend.ts';
import { Owned } from './lifetime.ts';
import type { ProtectionDomain } from './protection-domain.ts';

/** Registered bytes. Offsets given to work requests count from the region's first byte. */
export class MemoryRegion extends Owned {
  /** The bytes, shared with the provider. Views stay readable after close, but are cut off. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly access: number;
  /** Names the region in work requests of this process. */
  readonly handle: number;
  readonly localKey: number;
  /** Names the region in work requests of peers; give it to those that may reach it. */
  readonly remoteKey: number;
  readonly #backend: Backend;

  constructor(
    domain: ProtectionDomain,
    backend: Backend,
    domainHandle: number,
    bytes: number,
    access: number,
  ) {
    super(domain);
    const raw = backend.registerMemory(domainHandle, bytes, access);
    this.#backend = backend;
    this.bytes = new Uint8Array(raw.buffer);
    this.access = access;
    this.handle = raw.region;
    this.localKey = raw.localKey;
    this.remoteKey = raw.remoteKey;
    this.attach();
  }

  protected release(): void {
    this.#backend.deregisterMemory(this.handle);
  }
}
