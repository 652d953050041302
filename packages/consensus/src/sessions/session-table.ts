import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import type { SessionId } from './session-request.ts';

/** How much the reply cache keeps; the same at every replica of a group. */
export interface SessionLimits {
  /** Most sessions; the one that was not used for longest is evicted. Default 4096. */
  readonly sessionsMax: number;
  /** Replies that are kept per session: so many commands it may have under way. Default 16. */
  readonly repliesPerSession: number;
  /** Bytes of all replies together; sessions are evicted until they fit. Default 64 MiB. */
  readonly replyBytesMax: number;
}

export const DEFAULT_SESSION_LIMITS: SessionLimits = {
  sessionsMax: 4096,
  repliesPerSession: 16,
  replyBytesMax: 64 * 1024 * 1024,
};

/** What is known of one command of a session. */
export type Lookup =
  /** It has not been applied; it may be. */
  | { readonly kind: 'new' }
  | { readonly kind: 'again'; readonly reply: Uint8Array }
  /** There is no such session, or not any more: whether its command was applied is forgotten. */
  | { readonly kind: 'expired' }
  /** Its number is so far below the session's highest that its reply is not kept. */
  | { readonly kind: 'forgotten' };

/** One session as plain data, for snapshots. Replies are never changed, so they are shared. */
export interface SessionRecord {
  readonly id: SessionId;
  readonly highest: number;
  readonly replies: readonly (readonly [sequence: number, reply: Uint8Array])[];
}

/** The whole table as plain data, sessions in the order in which they would be evicted. */
export interface SessionTableRecord {
  readonly opened: number;
  readonly sessions: readonly SessionRecord[];
}

interface Session {
  readonly id: SessionId;
  /** Highest number that was applied. */
  highest: number;
  readonly replies: Map<number, Uint8Array>;
}

/**
 * Which numbered commands were applied, and what they were answered: a part of the replicated state.
 *
 * Everything here follows from the sequence of applied commands alone, evictions included: no clock,
 * and the order of use is that of the log. What is not remembered any more is refused, never applied.
 */
export class SessionTable {
  readonly #limits: SessionLimits;
  /** Least recently used first. */
  readonly #sessions = new Map<number, Session>();
  /** Sessions that were ever opened: no number is given twice. */
  #opened = 0;
  #replyBytes = 0;

  constructor(limits: SessionLimits) {
    for (const [name, limit] of Object.entries(limits))
      assert(Number.isInteger(limit) && limit > 0, `${name} must be a whole number above 0`);
    this.#limits = limits;
  }

  get size(): number {
    return this.#sessions.size;
  }

  open(nonce: bigint): SessionId {
    const id = { number: ++this.#opened, nonce };
    this.#sessions.set(id.number, { id, highest: 0, replies: new Map() });
    this.#evict();
    return id;
  }

  /** False when there is no such session. */
  close(id: SessionId): boolean {
    const session = this.#find(id);
    if (session !== undefined) this.#drop(session);
    return session !== undefined;
  }

  /** What is known of a command; to ask is to use the session. */
  lookUp(id: SessionId, sequence: number): Lookup {
    const session = this.#find(id);
    if (session === undefined) return { kind: 'expired' };
    this.#sessions.delete(id.number);
    this.#sessions.set(id.number, session);
    const reply = session.replies.get(sequence);
    if (reply !== undefined) return { kind: 'again', reply };
    const kept = session.highest - this.#limits.repliesPerSession;
    return sequence <= kept ? { kind: 'forgotten' } : { kind: 'new' };
  }

  /** A command that was new has been applied. */
  applied(id: SessionId, sequence: number, reply: Uint8Array): void {
    const session = this.#find(id);
    assert(session !== undefined && !session.replies.has(sequence), 'only what was new is applied');
    session.replies.set(sequence, reply);
    this.#replyBytes += reply.length;
    if (sequence > session.highest) {
      session.highest = sequence;
      const kept = sequence - this.#limits.repliesPerSession;
      for (const [old, { length }] of session.replies) {
        if (old > kept) continue;
        session.replies.delete(old);
        this.#replyBytes -= length;
      }
    }
    this.#evict();
  }

  /** All there is, as of this call. */
  record(): SessionTableRecord {
    const sessions = [...this.#sessions.values()].map(({ id, highest, replies }) => ({
      id,
      highest,
      replies: [...replies],
    }));
    return { opened: this.#opened, sessions };
  }

  /** Equal at replicas that remember the same. */
  digest(): string {
    const hash = createHash('sha256');
    for (const { id, replies } of this.#sessions.values()) {
      hash.update(`${id.number} ${id.nonce} ${replies.size}\n`);
      for (const [sequence, reply] of replies)
        hash.update(`${sequence} ${reply.length}\n`).update(reply);
    }
    return `${this.#opened} ${hash.digest('hex')}`;
  }

  /** Begins anew: `load` follows for each session, in the order of the record. */
  reset(opened: number): void {
    this.#sessions.clear();
    this.#opened = opened;
    this.#replyBytes = 0;
  }

  load({ id, highest, replies }: SessionRecord): void {
    this.#sessions.set(id.number, { id, highest, replies: new Map(replies) });
    for (const [, { length }] of replies) this.#replyBytes += length;
  }

  #find(id: SessionId): Session | undefined {
    const session = this.#sessions.get(id.number);
    return session?.id.nonce === id.nonce ? session : undefined;
  }

  #drop(session: Session): void {
    this.#sessions.delete(session.id.number);
    for (const { length } of session.replies.values()) this.#replyBytes -= length;
  }

  /** The session that was used last stays, however large its reply is. */
  #evict(): void {
    const { sessionsMax, replyBytesMax } = this.#limits;
    for (const oldest of this.#sessions.values()) {
      const fits = this.#sessions.size <= sessionsMax && this.#replyBytes <= replyBytesMax;
      if (fits || this.#sessions.size === 1) return;
      this.#drop(oldest);
    }
  }
}
