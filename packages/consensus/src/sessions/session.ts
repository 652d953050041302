import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Rejected } from '../propose-outcome.ts';
import { SequenceWindow } from './sequence-window.ts';
import type { SessionId, SessionRequest } from './session-request.ts';
import { DEFAULT_SESSION_LIMITS } from './session-table.ts';
import type { SessionRefusal, SessionResult } from './with-sessions.ts';

/** How one attempt ended: what `propose` says of it, as far as a client needs to know. */
export type SessionOutcome =
  | { readonly kind: 'decided'; readonly result: SessionResult }
  | { readonly kind: 'notLeader' | 'unknown' }
  | { readonly kind: 'rejected'; readonly reason: Rejected['reason'] };

/**
 * Brings one request to the group, once, and says how that ended; whom to ask is its business: the
 * leader as far as it is known, then others. An error counts as an unknown outcome.
 */
export type SessionAttempt = (
  request: SessionRequest,
  signal: AbortSignal | undefined,
) => Promise<SessionOutcome>;

/** How a client uses its session. */
export interface SessionOptions {
  /** Pause between two attempts in milliseconds. Default 5. */
  readonly retryMs?: number;
  /** What the group was given as `repliesPerSession`. Default 16. */
  readonly repliesPerSession?: number;
  readonly signal?: AbortSignal;
}

/** The group refused a session's request for good. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  readonly code: SessionRefusal | 'TOO_LARGE';

  constructor(code: SessionRefusal | 'TOO_LARGE', message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The client's half of a session: numbers commands, and brings each to the group again, under the same
 * number, until it knows the reply: over a change of leader, and over attempts of unknown outcome.
 */
export class Session {
  readonly id: SessionId;
  readonly #attempt: SessionAttempt;
  readonly #retryMs: number;
  readonly #window: SequenceWindow;
  /** Calls that wait for a number. */
  readonly #waiting: (() => void)[] = [];

  private constructor(id: SessionId, attempt: SessionAttempt, options: SessionOptions) {
    const { retryMs = RETRY_MS, repliesPerSession = DEFAULT_SESSION_LIMITS.repliesPerSession } =
      options;
    this.id = id;
    this.#attempt = attempt;
    this.#retryMs = retryMs;
    this.#window = new SequenceWindow(repliesPerSession);
  }

  /** Opens a session. Tries until there is a leader; rejects with the signal's reason when it fires. */
  static async open(attempt: SessionAttempt, options: SessionOptions = {}): Promise<Session> {
    // An attempt of unknown outcome may leave a session that nobody uses: it is evicted in time.
    const nonce = randomBytes(8).readBigUInt64LE();
    const { retryMs = RETRY_MS, signal } = options;
    const result = await insist(attempt, { kind: 'open', nonce }, retryMs, signal);
    if (result.kind === 'opened') return new Session(result.session, attempt, options);
    throw refusal(result, 'to open a session');
  }

  /**
   * Has a command applied exactly once, and returns its one reply. At most `repliesPerSession` calls
   * are under way; others wait for their turn.
   *
   * Rejects with `SessionError`: SESSION_EXPIRED, when the session was evicted and whether the command
   * was applied cannot be told; TOO_LARGE. Rejects with the signal's reason when it fires first: then
   * the command was applied once or never.
   */
  async call(command: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    const sequence = await this.#number(signal);
    try {
      const request = { kind: 'numbered', session: this.id, sequence, command } as const;
      const result = await insist(this.#attempt, request, this.#retryMs, signal);
      if (result.kind === 'applied') return result.reply;
      throw refusal(result, `command ${sequence} of session ${this.id.number}`);
    } finally {
      this.#window.settle(sequence);
      for (const next of this.#waiting.splice(0)) next();
    }
  }

  /** Has the group forget the session; one that it has forgotten already is closed, too. */
  async close(signal?: AbortSignal): Promise<void> {
    await insist(this.#attempt, { kind: 'close', session: this.id }, this.#retryMs, signal);
  }

  async #number(signal: AbortSignal | undefined): Promise<number> {
    for (;;) {
      signal?.throwIfAborted();
      const sequence = this.#window.take();
      if (sequence !== undefined) return sequence;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}

const RETRY_MS = 5;

/** Tries until the outcome is known. */
async function insist(
  attempt: SessionAttempt,
  request: SessionRequest,
  retryMs: number,
  signal: AbortSignal | undefined,
): Promise<SessionResult> {
  for (;;) {
    signal?.throwIfAborted();
    const outcome = await attempt(request, signal).catch(() => UNKNOWN);
    if (outcome.kind === 'decided') return outcome.result;
    if (outcome.kind === 'rejected' && outcome.reason === 'tooLarge')
      throw new SessionError('TOO_LARGE', 'the command is longer than the group takes');
    await delay(retryMs, undefined, { signal });
  }
}

const UNKNOWN = { kind: 'unknown' } as const;

function refusal(result: SessionResult, what: string): Error {
  if (result.kind === 'refused') return new SessionError(result.code, `${what}: ${result.code}`);
  return new Error(`${what} was answered as ${result.kind}: not by a machine with sessions`);
}
