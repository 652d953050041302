import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { SessionId } from '@mu-smr/consensus';

/** Which command of which session a request is. */
export interface Numbered {
  readonly session: SessionId;
  readonly sequence: number;
}

export function newNonce(): bigint {
  return randomBytes(8).readBigUInt64LE();
}

/** A session's name in HTTP. */
export function sessionText({ number, nonce }: SessionId): string {
  return `${number}-${nonce.toString(16).padStart(16, '0')}`;
}

/** Reads what `sessionText` made; `undefined` when it is something else. */
export function parseSession(text: string): SessionId | undefined {
  const [, number, nonce] = /^([1-9]\d{0,13})-([0-9a-f]{16})$/.exec(text) ?? [];
  return number === undefined ? undefined : { number: Number(number), nonce: BigInt(`0x${nonce}`) };
}

/** The headers of a request that belongs to a session. */
export function headersOf({ session, sequence }: Numbered): Record<string, string> {
  return { 'mu-session': sessionText(session), 'mu-sequence': String(sequence) };
}

/** What the headers say; `undefined` without a session. */
export function numberOf(headers: IncomingHttpHeaders): Numbered | 'malformed' | undefined {
  const { 'mu-session': name, 'mu-sequence': number } = headers;
  if (name === undefined && number === undefined) return undefined;
  const session = typeof name === 'string' ? parseSession(name) : undefined;
  if (session === undefined || typeof number !== 'string') return 'malformed';
  return /^[1-9]\d{0,13}$/.test(number) ? { session, sequence: Number(number) } : 'malformed';
}
