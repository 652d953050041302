/**
 * A session as its client knows it: a number that the log gave it, and a nonce that the client chose
 * when it opened it. Both must fit, so a session of another group, or one made up, is none.
 */
export interface SessionId {
  readonly number: number;
  readonly nonce: bigint;
}

/** What a client of `withSessions` asks for: the payload of a log entry, decoded. */
export type SessionRequest =
  /** A command of nobody: applied as often as it is decided. */
  | { readonly kind: 'plain'; readonly command: Uint8Array }
  | { readonly kind: 'open'; readonly nonce: bigint }
  | {
      readonly kind: 'numbered';
      readonly session: SessionId;
      /** Counts the session's commands from 1. */
      readonly sequence: number;
      readonly command: Uint8Array;
    }
  | { readonly kind: 'close'; readonly session: SessionId };

/** Bytes that a numbered command has in front of the application's own. */
export const SESSION_HEADER_BYTES = 24;
/** Bytes that a plain one has. */
export const PLAIN_HEADER_BYTES = 8;

const CODES = { plain: 1, open: 2, numbered: 3, close: 4 } as const;
/** Numbers of sessions and commands have 48 bits: exact as a double. */
const NUMBER_MAX = 2 ** 48 - 1;

/** The bytes to propose. Throws RangeError for numbers that have no place in them. */
export function encodeSessionRequest(request: SessionRequest): Uint8Array {
  const command = 'command' in request ? request.command : undefined;
  const header = request.kind === 'plain' ? PLAIN_HEADER_BYTES : SESSION_HEADER_BYTES;
  const bytes = new Uint8Array(header + (command?.length ?? 0));
  const view = new DataView(bytes.buffer);
  bytes[0] = CODES[request.kind];
  if (request.kind === 'open') view.setBigUint64(8, request.nonce, true);
  else if (request.kind !== 'plain') {
    writeNumber(view, 2, request.session.number);
    view.setBigUint64(8, request.session.nonce, true);
    if (request.kind === 'numbered') writeNumber(view, 16, request.sequence);
  }
  if (command !== undefined) bytes.set(command, header);
  return bytes;
}

/**
 * Reads any bytes; `undefined` unless they are exactly what `encodeSessionRequest` makes. The command
 * is a view of them.
 */
export function decodeSessionRequest(bytes: Uint8Array): SessionRequest | undefined {
  if (bytes.length < PLAIN_HEADER_BYTES) return undefined;
  const code = bytes[0];
  if (code === CODES.plain)
    return bytes.subarray(1, PLAIN_HEADER_BYTES).every((byte) => byte === 0)
      ? { kind: 'plain', command: bytes.subarray(PLAIN_HEADER_BYTES) }
      : undefined;
  if (bytes.length < SESSION_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes[1] !== 0 || view.getUint16(22, true) !== 0) return undefined;
  const number = readNumber(view, 2);
  const nonce = view.getBigUint64(8, true);
  const sequence = readNumber(view, 16);
  if (code === CODES.numbered) {
    const command = bytes.subarray(SESSION_HEADER_BYTES);
    if (number === 0 || sequence === 0) return undefined;
    return { kind: 'numbered', session: { number, nonce }, sequence, command };
  }
  if (sequence !== 0 || bytes.length > SESSION_HEADER_BYTES) return undefined;
  if (code === CODES.open) return number === 0 ? { kind: 'open', nonce } : undefined;
  if (code === CODES.close && number !== 0) return { kind: 'close', session: { number, nonce } };
  return undefined;
}

function writeNumber(view: DataView, at: number, number: number): void {
  if (!Number.isInteger(number) || number < 1 || number > NUMBER_MAX)
    throw new RangeError(`${number} is no number from 1 to ${NUMBER_MAX}`);
  view.setUint32(at, number % 2 ** 32, true);
  view.setUint16(at + 4, Math.floor(number / 2 ** 32), true);
}

function readNumber(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint16(at + 4, true) * 2 ** 32;
}
