/**
 * One client command as it came off the wire: the RESP bytes, and where each argument lies in them.
 *
 * The bytes are a view of what the socket read; nothing is copied.
 */
export class Request {
  readonly raw: Buffer;
  /** Start and end of each argument within `raw`, alternating. */
  readonly #bounds: readonly number[];

  constructor(raw: Buffer, bounds: readonly number[]) {
    this.raw = raw;
    this.#bounds = bounds;
  }

  get argc(): number {
    return this.#bounds.length >> 1;
  }

  /** Argument `index`, 0 being the command's name. */
  arg(index: number): Buffer {
    return this.raw.subarray(this.#bounds[2 * index], this.#bounds[2 * index + 1]);
  }

  /** Argument `index` as one character per byte. */
  text(index: number): string {
    return this.raw.toString('latin1', this.#bounds[2 * index], this.#bounds[2 * index + 1]);
  }

  /** Encodes arguments that did not arrive as RESP: inline commands, and what we rewrite. */
  static of(...args: readonly (Buffer | string | number)[]): Request {
    const parts: Buffer[] = [];
    const bounds: number[] = [];
    let length = 0;
    const append = (part: Buffer) => {
      parts.push(part);
      length += part.length;
    };
    append(Buffer.from(`*${args.length}\r\n`));
    for (const arg of args) {
      const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg), 'latin1');
      append(Buffer.from(`$${bytes.length}\r\n`));
      bounds.push(length, length + bytes.length);
      append(bytes);
      append(CRLF);
    }
    return new Request(Buffer.concat(parts, length), bounds);
  }

  /** Finds the arguments again in the bytes of a request that was whole, as in a log entry. */
  static parse(raw: Buffer): Request {
    const bounds: number[] = [];
    let position = raw.indexOf(LF) + 1;
    while (position < raw.length) {
      const lineEnd = raw.indexOf(LF, position);
      const length = Number(raw.toString('latin1', position + 1, lineEnd - 1));
      bounds.push(lineEnd + 1, lineEnd + 1 + length);
      position = lineEnd + 1 + length + 2;
    }
    return new Request(raw, bounds);
  }
}

const LF = 10;
const CRLF = Buffer.from('\r\n');
