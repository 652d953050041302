import { Double, type PlaneLink } from '../planes/plane-link.ts';

/**
 * Keeps recycling from passing those that we give our state to, from when they have restored it until
 * the leader sees for itself how far they are. (A leader waits for a slow one only for so long.)
 */
export class Pins {
  readonly #link: PlaneLink;
  /** How far each receiver is. */
  readonly #pins = new Map<object, number>();

  constructor(link: PlaneLink) {
    this.#link = link;
  }

  pin(receiver: object, applied: number): void {
    this.#pins.set(receiver, applied);
    this.#publish();
  }

  release(receiver: object): void {
    this.#pins.delete(receiver);
    this.#publish();
  }

  #publish(): void {
    this.#link.setOffset(
      Double.pinned,
      this.#pins.size === 0 ? 0 : Math.min(...this.#pins.values()),
    );
  }
}
