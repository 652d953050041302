import type { Backend } from './backend.ts';
import { refuse } from './errors.ts';
import { Owned } from './lifetime.ts';
import type { ProtectionDomain } from './protection-domain.ts';

/** Where datagrams may be sent to: a port of a device, with all queue pairs behind it. ibv_create_ah(3). */
export class AddressHandle extends Owned {
  readonly handle: number;
  readonly #backend: Backend;

  constructor(domain: ProtectionDomain, backend: Backend, domainHandle: number, address: string) {
    super(domain);
    if (backend.createAddressHandle === undefined)
      throw refuse('ibv_create_ah', 'ENOTSUP', `${backend.name} has no datagrams`);
    this.#backend = backend;
    this.handle = backend.createAddressHandle(domainHandle, address);
    this.attach();
  }

  protected release(): void {
    this.#backend.destroyAddressHandle?.(this.handle);
  }
}
