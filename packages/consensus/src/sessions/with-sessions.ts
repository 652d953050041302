import type { ApplyContext, StateMachine } from '../state-machine.ts';
import { decodeSessionRequest, type SessionId } from './session-request.ts';
import { readSessions, writeSessions } from './session-snapshot.ts';
import {
  DEFAULT_SESSION_LIMITS,
  SessionTable,
  type SessionLimits,
  type SessionTableRecord,
} from './session-table.ts';

/** Why a request was refused, at every replica alike; it changed nothing. */
export type SessionRefusal =
  /** No such session, or it was evicted: whether its command was ever applied is forgotten. */
  | 'SESSION_EXPIRED'
  /** The session went on too far: whether a command of this number was applied is forgotten. */
  | 'REPLY_FORGOTTEN'
  /** The bytes are no session request. */
  | 'BAD_REQUEST';

/** What a state machine with sessions answers. */
export type SessionResult =
  | {
      readonly kind: 'applied';
      readonly reply: Uint8Array;
      /** The command had been applied before, and this is what it was answered then. */
      readonly again: boolean;
    }
  | { readonly kind: 'opened'; readonly session: SessionId }
  | { readonly kind: 'closed' }
  | { readonly kind: 'refused'; readonly code: SessionRefusal };

/**
 * Makes retries harmless: a command that names its session and its number in it is applied at most
 * once, however often it is decided, and each time answered with the one reply.
 *
 * Commands are then what `encodeSessionRequest` makes, and replies are bytes, made at every replica:
 * the wrapped machine always sees `local` set for a numbered command. Which replies are kept is a
 * part of the replicated state and of its snapshots.
 */
export function withSessions(
  machine: StateMachine<Uint8Array>,
  limits: Partial<SessionLimits> = {},
): SessionMachine {
  return new SessionMachine(machine, { ...DEFAULT_SESSION_LIMITS, ...limits });
}

/** What `withSessions` makes. */
export class SessionMachine implements StateMachine<SessionResult> {
  readonly #machine: StateMachine<Uint8Array>;
  readonly #table: SessionTable;
  /** Of the sessions and of the machine, where that tells one. */
  readonly digest?: () => string;

  /** @internal */
  constructor(machine: StateMachine<Uint8Array>, limits: SessionLimits) {
    this.#machine = machine;
    this.#table = new SessionTable(limits);
    if (machine.digest !== undefined)
      this.digest = () => `${this.#table.digest()} ${machine.digest?.()}`;
  }

  /** Sessions that are open. */
  get sessions(): number {
    return this.#table.size;
  }

  apply(bytes: Uint8Array, context: ApplyContext): SessionResult {
    const request = decodeSessionRequest(bytes);
    switch (request?.kind) {
      case 'plain':
        return {
          kind: 'applied',
          reply: this.#machine.apply(request.command, context),
          again: false,
        };
      case 'open':
        return { kind: 'opened', session: this.#table.open(request.nonce) };
      case 'numbered':
        return this.#applyOnce(request.session, request.sequence, request.command, context);
      case 'close':
        if (this.#table.close(request.session)) return { kind: 'closed' };
        return { kind: 'refused', code: 'SESSION_EXPIRED' };
      case undefined:
        return { kind: 'refused', code: 'BAD_REQUEST' };
    }
  }

  snapshot(): AsyncIterable<Uint8Array> {
    // Both now, between the same two commands; what is streamed later is as of this call.
    return writeSessions(this.#table.record(), this.#machine.snapshot());
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#machine.restore(await readSessions(chunks, this.#table));
  }

  /**
   * The sessions alone, for who moves the wrapped machine's state by other means.
   *
   * @internal
   */
  record(): SessionTableRecord {
    return this.#table.record();
  }

  /** @internal */
  load({ opened, sessions }: SessionTableRecord): void {
    this.#table.reset(opened);
    for (const session of sessions) this.#table.load(session);
  }

  #applyOnce(
    session: SessionId,
    sequence: number,
    command: Uint8Array,
    context: ApplyContext,
  ): SessionResult {
    const known = this.#table.lookUp(session, sequence);
    if (known.kind === 'again') return { kind: 'applied', reply: known.reply, again: true };
    if (known.kind === 'expired') return { kind: 'refused', code: 'SESSION_EXPIRED' };
    if (known.kind === 'forgotten') return { kind: 'refused', code: 'REPLY_FORGOTTEN' };
    // The machine may reuse its buffers, so what is kept is a copy; all replicas need the reply.
    const reply = this.#machine.apply(command, { ...context, local: true }).slice();
    this.#table.applied(session, sequence, reply);
    return { kind: 'applied', reply, again: false };
  }
}
