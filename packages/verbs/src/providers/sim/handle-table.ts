import { refuse } from '../../errors.ts';

/**
 * Objects by small integer. A handle is never used twice: a completion that waits in a ring after
 * its queue pair was destroyed must not be taken for one of a later queue pair.
 */
export class HandleTable<Value> {
  readonly #values = new Map<number, Value>();
  #next = 1;

  /** Makes room for a value that wants to know its own handle. */
  reserve(): number {
    return this.#next++;
  }

  set(handle: number, value: Value): void {
    this.#values.set(handle, value);
  }

  find(handle: number): Value | undefined {
    return this.#values.get(handle);
  }

  get(handle: number, verb: string): Value {
    const value = this.#values.get(handle);
    if (value === undefined) throw refuse(verb, 'EBADF', `no such handle: ${handle}`);
    return value;
  }

  delete(handle: number): void {
    this.#values.delete(handle);
  }

  values(): IterableIterator<Value> {
    return this.#values.values();
  }
}
