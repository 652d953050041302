import { refuse } from './errors.ts';

/**
 * Something that is closed once, after everything it is the parent of.
 *
 * A child holds its parents alive by reference; a parent closes its children first, because the
 * provider may refuse to free a protection domain or a completion queue while a queue pair uses it.
 */
export abstract class Owned implements Disposable {
  readonly #children = new Set<Owned>();
  readonly #parents: readonly Owned[];
  #closed = false;

  constructor(...parents: Owned[]) {
    for (const parent of parents) parent.assertOpen();
    this.#parents = parents;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Closes the children, newest first, then this. Closing twice is fine. */
  close(): void {
    if (this.#closed) return;
    for (const child of [...this.#children].reverse()) child.close();
    this.#closed = true;
    for (const parent of this.#parents) parent.#children.delete(this);
    this.release();
  }

  /** The same as `close`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Throws EBADF when this object was closed. */
  assertOpen(): void {
    if (this.#closed) throw refuse(this.constructor.name, 'EBADF', 'used after close');
  }

  /**
   * Makes this a child of its parents. Constructors call it last: when the provider refuses to make
   * the resource there is nothing that a parent could close.
   */
  protected attach(): void {
    for (const parent of this.#parents) parent.#children.add(this);
  }

  /** Gives the provider's resource back; called once, with all children closed. */
  protected abstract release(): void;
}
