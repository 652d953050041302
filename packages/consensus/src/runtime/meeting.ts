import { setTimeout as delay } from 'node:timers/promises';
import { Configuration, type Incarnation } from '../core/configuration.ts';
import { ConsensusError } from '../errors.ts';
import type { ReplicaId } from '../propose-outcome.ts';
import type { Connections } from './connections.ts';
import { decline, exchangeOffers, reach, type Greeting } from './handshake.ts';
import type { JsonLines } from './json-lines.ts';
import type { Guest, Rendezvous } from './rendezvous.ts';

export interface MeetingOptions {
  readonly self: ReplicaId;
  readonly incarnation: Incarnation;
  /** Ids below this found the group together; others join one that runs. */
  readonly founders: number;
  /** Ids that there is room for. */
  readonly slots: number;
  readonly connections: Connections;
  /** The group begins with these members. */
  readonly found: (members: ReturnType<typeof Configuration.initial>) => void;
}

/** How often a replica that is not there, or was not ready, is called again. */
const CALL_AGAIN_MS = 20;
const CALL_UNMET_MS = 200;
/** How long a peer may take between two messages of connecting. */
const SEAT_MS = 10_000;

interface Seat {
  readonly incarnation: Incarnation;
  readonly lines: JsonLines;
}

/**
 * Meets the other replicas: all founders at once, before the group begins; or, when it runs already,
 * one after the other, as a new life that joins. Connects with whoever comes later.
 */
export class Meeting {
  phase: Greeting['phase'];
  readonly #o: MeetingOptions;
  readonly #rendezvous: () => Rendezvous;
  readonly #seats = new Map<ReplicaId, Seat>();
  readonly #seating = new Set<ReplicaId>();
  readonly #over = new AbortController();
  /** Settles when the group is met: by whoever completes the circle, or finds that it runs. */
  readonly #met: Promise<'founded' | 'runs'>;
  #settle!: { resolve: (how: 'founded' | 'runs') => void; reject: (error: Error) => void };

  constructor(options: MeetingOptions, rendezvous: () => Rendezvous) {
    this.#o = options;
    this.#rendezvous = rendezvous;
    this.phase = options.self < options.founders ? 'founding' : 'joining';
    this.#met = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.#met.catch(() => undefined);
  }

  /**
   * Founds the group with the others, or connects with one that runs and says so: then a state is to
   * be brought. Rejects with `ConsensusError` PEER_MISSING when the signal fires first.
   */
  async begin(signal: AbortSignal): Promise<'founded' | 'runs'> {
    const stop = new AbortController();
    try {
      const { self, founders, slots } = this.#o;
      if (self === 0 && founders === 1) this.#completeIfAll();
      const ids = this.phase === 'founding' ? founders : slots;
      for (let peer = 0; peer < ids; peer++) if (peer !== self) void this.#callUntil(peer, stop);
      return await this.#unlessAborted(this.#met, signal);
    } finally {
      stop.abort();
    }
  }

  /** From now on replicas that join are connected; those that we have not met are called. */
  run(): void {
    this.phase = 'running';
    void this.#callUnmet();
  }

  fail(error: Error): void {
    this.#settle.reject(error);
  }

  close(): void {
    this.#over.abort();
    for (const { lines } of this.#seats.values()) lines.destroy();
  }

  /** Connects with whoever called to meet us. */
  receive({ peer, greeting, lines }: Guest): void {
    if (this.phase === 'founding') this.#receiveFounder(peer, greeting, lines);
    else if (this.phase === 'joining' && greeting.phase !== 'running')
      decline(lines, `replica ${this.#o.self} is itself joining`);
    else void this.#seat(peer, greeting, lines).then((seated) => seated && lines.end());
  }

  #receiveFounder(peer: ReplicaId, greeting: Greeting, lines: JsonLines): void {
    const { self, founders } = this.#o;
    if (greeting.phase === 'running') this.#settle.resolve('runs');
    // Who has a lower id calls; the others only look whether the group runs.
    if (greeting.phase !== 'founding' || peer > self || peer >= founders) {
      decline(lines, `replica ${self} waits for the others to found the group`);
      return;
    }
    void this.#seat(peer, greeting, lines).then(() => this.#completeIfAll());
  }

  /** Calls a peer until we have met it, or another replica has told that the group runs. */
  async #callUntil(peer: ReplicaId, stop: AbortController): Promise<void> {
    const calls = peer > this.#o.self;
    while (!stop.signal.aborted && !this.#seats.has(peer)) {
      try {
        const guest = await this.#rendezvous().call(peer, 'meet');
        if (guest?.greeting.phase === 'running' && !this.#knows(guest))
          this.#settle.resolve('runs');
        if (guest !== undefined && calls && this.#founds(guest)) {
          await this.#seat(peer, guest.greeting, guest.lines);
          this.#completeIfAll();
        } else guest?.lines.destroy();
      } catch (error) {
        this.#settle.reject(error as Error);
        return;
      }
      await delay(calls ? CALL_AGAIN_MS : CALL_UNMET_MS, undefined, { signal: stop.signal }).catch(
        () => undefined,
      );
    }
  }

  #founds({ greeting }: Guest): boolean {
    return this.phase === 'founding' && greeting.phase === 'founding';
  }

  #knows({ peer, greeting }: Guest): boolean {
    return this.#seats.get(peer)?.incarnation === greeting.incarnation;
  }

  /** With every founder connected, all begin at the same point. */
  #completeIfAll(): void {
    const { self, incarnation, founders, found } = this.#o;
    if (this.phase !== 'founding' || this.#seats.size !== founders - 1) return;
    const lives = Array.from({ length: founders }, (_, id) =>
      id === self ? incarnation : (this.#seats.get(id)?.incarnation ?? 0),
    );
    const all = [...this.#seats.values()].map(({ lines }) => reach(lines, 'founded'));
    Promise.all(all).then(() => {
      found(Configuration.initial(lives));
      this.#settle.resolve('founded');
      for (const { lines } of this.#seats.values()) lines.end();
    }, this.#settle.reject);
  }

  /** Those that run and that we are not connected with: they may have been away when we came. */
  async #callUnmet(): Promise<void> {
    const { self, slots } = this.#o;
    const { signal } = this.#over;
    while (!signal.aborted && this.#unmet.length > 0) {
      for (const peer of this.#unmet) {
        const guest = await this.#rendezvous()
          .call(peer, 'meet')
          .catch(() => undefined);
        if (guest?.greeting.phase !== 'running') guest?.lines.destroy();
        else if (await this.#seat(peer, guest.greeting, guest.lines)) guest.lines.end();
        if (signal.aborted) return;
      }
      // Not all at the same moment: two that call each other refuse each other.
      const pauseMs = CALL_UNMET_MS * (1 + self / slots);
      await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  get #unmet(): ReplicaId[] {
    return Array.from({ length: this.#o.slots }, (_, id) => id).filter(
      (id) => id !== this.#o.self && !this.#seats.has(id),
    );
  }

  /** Connects with the life of a peer at the other end, in place of any other; false when it fails. */
  async #seat(peer: ReplicaId, greeting: Greeting, lines: JsonLines): Promise<boolean> {
    const { connections } = this.#o;
    if (this.#seating.has(peer)) {
      decline(lines, 'busy');
      return false;
    }
    this.#seating.add(peer);
    const late = setTimeout(() => lines.destroy(), SEAT_MS);
    let detached = false;
    try {
      // Who only looked whether the group runs goes away here, and must find nothing changed.
      await reach(lines, 'seat');
      detached = true;
      this.#seats.delete(peer);
      await connections.detach(peer);
      const offer = await exchangeOffers(lines, await connections.offerTo(peer));
      await connections.attach(peer, offer);
      await reach(lines, 'attached');
      await connections.watch(peer, greeting.incarnation);
      this.#seats.set(peer, { incarnation: greeting.incarnation, lines });
      return true;
    } catch {
      // It went away in the middle, or took too long: it comes again.
      lines.destroy();
      if (detached) await connections.detach(peer).catch(() => undefined);
      return false;
    } finally {
      clearTimeout(late);
      this.#seating.delete(peer);
    }
  }

  async #unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const missing = (): ConsensusError => {
      const { self, founders } = this.#o;
      const ids = Array.from({ length: founders }, (_, id) => id);
      const names = ids.filter((id) => id !== self && !this.#seats.has(id)).join(', ');
      return new ConsensusError('PEER_MISSING', `replica ${self} waited in vain for ${names}`);
    };
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(missing());
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort, { once: true });
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    });
  }
}
