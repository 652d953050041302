/** Receives each whole reply as the bytes that came. */
export type OnReply = (reply: Buffer) => void;

/**
 * Finds where each RESP2 or RESP3 reply ends, without decoding it.
 *
 * A reply inside one read is handed over as a view of it; one that straddles reads is joined once.
 */
export class ReplyFramer {
  readonly #onReply: OnReply;
  /** Earlier reads that hold the beginning of the present reply. */
  #parts: Buffer[] = [];
  /** Values still to come to end the reply; attributes add theirs and one more. */
  #valuesLeft = 1;
  /** Bytes of the present string and its line end still to come. */
  #bytesLeft = 0;
  /** The beginning of a line that a read cut off. */
  #line = '';

  constructor(onReply: OnReply) {
    this.#onReply = onReply;
  }

  push(chunk: Buffer): void {
    let start = 0;
    let position = 0;
    while (position < chunk.length) {
      position =
        this.#bytesLeft > 0 ? this.#skip(chunk, position) : this.#readLine(chunk, position);
      if (this.#valuesLeft > 0 || this.#bytesLeft > 0) continue;
      const tail = chunk.subarray(start, position);
      const reply = this.#parts.length === 0 ? tail : Buffer.concat([...this.#parts, tail]);
      this.#parts = [];
      this.#valuesLeft = 1;
      start = position;
      this.#onReply(reply);
    }
    if (start < chunk.length) this.#parts.push(start === 0 ? chunk : chunk.subarray(start));
  }

  #skip(chunk: Buffer, position: number): number {
    const skipped = Math.min(this.#bytesLeft, chunk.length - position);
    this.#bytesLeft -= skipped;
    return position + skipped;
  }

  #readLine(chunk: Buffer, position: number): number {
    const lineFeed = chunk.indexOf(LF, position);
    const end = lineFeed < 0 ? chunk.length : lineFeed;
    if (this.#line !== '' || lineFeed < 0) {
      // Only a header's number matters of a line, and it is short: keep no more.
      this.#line = (this.#line + chunk.toString('latin1', position, end)).slice(
        0,
        HEADER_CHARACTERS_MAX,
      );
      if (lineFeed < 0) return end;
      this.#header(this.#line.charCodeAt(0), parseInt(this.#line.slice(1), 10));
      this.#line = '';
    } else this.#header(chunk[position], lineNumber(chunk, position + 1, end));
    return end + 1;
  }

  #header(type: number, count: number): void {
    this.#valuesLeft--;
    switch (type) {
      case PLUS:
      case MINUS:
      case COLON:
      case NULL:
      case HASH:
      case COMMA:
      case BIG: // prettier-ignore
        return;
      case DOLLAR:
      case BLOB_ERROR:
      case VERBATIM: // prettier-ignore
        if (count >= 0) this.#bytesLeft = count + 2;
        return;
      case STAR:
      case SET:
      case PUSH: // prettier-ignore
        this.#valuesLeft += Math.max(count, 0);
        return;
      case MAP:
        this.#valuesLeft += 2 * count;
        return;
      case ATTRIBUTE:
        this.#valuesLeft += 2 * count + 1;
        return;
      default:
        throw new ReplyError(type);
    }
  }
}

/** The server sent something that is no RESP. */
export class ReplyError extends Error {
  constructor(type: number) {
    super(`a reply cannot begin with byte ${type}`);
    this.name = 'ReplyError';
  }
}

function lineNumber(chunk: Buffer, start: number, end: number): number {
  const negative = chunk[start] === MINUS;
  let value = 0;
  for (let index = negative ? start + 1 : start; index < end; index++) {
    const digit = chunk[index] - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}

const HEADER_CHARACTERS_MAX = 32;
const LF = 10;
const PLUS = 43;
const MINUS = 45;
const COLON = 58;
const NULL = 95;
const HASH = 35;
const COMMA = 44;
const BIG = 40;
const DOLLAR = 36;
const BLOB_ERROR = 33;
const VERBATIM = 61;
const STAR = 42;
const SET = 126;
const PUSH = 62;
const MAP = 37;
const ATTRIBUTE = 124;
