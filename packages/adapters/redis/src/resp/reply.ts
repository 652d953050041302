/** The protocol a client speaks: RESP2, or RESP3 after `HELLO 3`. */
export type Protocol = 2 | 3;

/** Takes the bytes of one whole reply. */
export interface ReplySink {
  reply(bytes: Buffer): void;
}

export const OK = Buffer.from('+OK\r\n');
export const QUEUED = Buffer.from('+QUEUED\r\n');

/** An error reply; `text` begins with the error's code, and holds no line ends once written. */
export function errorReply(text: string): Buffer {
  return Buffer.from(`-${text.replace(/[\r\n]/g, ' ')}\r\n`, 'latin1');
}

export function integerReply(value: number): Buffer {
  return Buffer.from(`:${value}\r\n`);
}

export function bulkReply(value: Buffer | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]);
}

export function nullReply(protocol: Protocol): Buffer {
  return Buffer.from(protocol === 3 ? '_\r\n' : '$-1\r\n');
}

/** Text for people: a verbatim string in RESP3. */
export function textReply(protocol: Protocol, text: string): Buffer {
  if (protocol === 2) return bulkReply(text);
  return Buffer.from(`=${text.length + 4}\r\ntxt:${text}\r\n`, 'latin1');
}

export function arrayReply(items: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(`*${items.length}\r\n`), ...items]);
}

/** A map, which RESP2 shows as a flat array. */
export function mapReply(protocol: Protocol, flat: readonly Buffer[]): Buffer {
  const header = protocol === 3 ? `%${flat.length / 2}\r\n` : `*${flat.length}\r\n`;
  return Buffer.concat([Buffer.from(header), ...flat]);
}

/** The text inside a bulk or verbatim reply, `undefined` for anything else. */
export function textOf(reply: Buffer): string | undefined {
  if (reply[0] !== 36 && reply[0] !== 61) return undefined;
  const body = reply.toString('latin1', reply.indexOf(10) + 1, reply.length - 2);
  return reply[0] === 61 ? body.slice(4) : body;
}
