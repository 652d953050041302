/** What an event does: no closure per event, because a cluster run has millions of them. */
export type EventAction<Subject> = (subject: Subject, stamp: number) => void;

interface Event {
  readonly timeNs: number;
  readonly order: number;
  readonly action: EventAction<never>;
  readonly subject: unknown;
  readonly stamp: number;
}

/**
 * Events in order of virtual time; those of the same time in the order they were pushed, so that a
 * run never depends on the shape of the heap.
 */
export class EventQueue {
  readonly #heap: Event[] = [];
  #pushed = 0;

  get length(): number {
    return this.#heap.length;
  }

  /** Time of the next event; Infinity when there is none. */
  get nextTimeNs(): number {
    return this.#heap.length === 0 ? Infinity : this.#heap[0].timeNs;
  }

  /** `stamp` is handed back to the action, which can see by it that the event is out of date. */
  push<Subject>(
    timeNs: number,
    action: EventAction<Subject>,
    subject: Subject,
    stamp: number,
  ): void {
    const event: Event = { timeNs, order: this.#pushed++, action, subject, stamp };
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = event;
  }

  /** Takes the next event out and runs it; false when there is none. */
  runNext(): boolean {
    const heap = this.#heap;
    if (heap.length === 0) return false;
    const first = heap[0];
    const last = heap.pop() as Event;
    if (heap.length > 0) this.#sink(last);
    first.action(first.subject as never, first.stamp);
    return true;
  }

  #sink(event: Event): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], event)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = event;
  }
}

function before(a: Event, b: Event): boolean {
  return a.timeNs < b.timeNs || (a.timeNs === b.timeNs && a.order < b.order);
}
