import { lengthInLine } from './integer.js';
import { splitInline } from './inline.js';
import { Request } from './request.js';

/** The connection must be told `message` and then be closed, as Redis does. */
export interface ProtocolError {
  readonly kind: 'protocolError';
  readonly message: string;
}

/** A whole command came and went, too large for a log entry; its bytes were not kept. */
export interface Oversized {
  readonly kind: 'oversized';
}

export interface RequestLimits {
  /** Longest single argument: Redis's `proto-max-bulk-len`. */
  readonly bulkBytesMax: number;
  /** Longest whole command that is kept. */
  readonly commandBytesMax: number;
}

/**
 * Cuts a client's byte stream into commands, without copying what arrives whole.
 *
 * Push what the socket read, then call `next` until it returns `undefined`. Limits and error texts
 * are those of redis-server 7.0.15 (networking.c).
 */
export class RequestParser {
  readonly #limits: RequestLimits;
  #buffer: Buffer = EMPTY;
  /** The buffer, if it is one of ours that may be appended to. */
  #owned: Buffer | undefined;
  #end = 0;
  /** Where the present command begins, and how far it has been read. */
  #start = 0;
  #position = 0;
  /** Arguments still to come; 0 between commands. */
  #argsLeft = 0;
  /** Length of the argument being read, or -1 while its `$` line is. */
  #bulkLength = -1;
  /** Bytes of an argument that is thrown away, its line end included. */
  #skipBytes = 0;
  #bounds: number[] = [];
  #discarding = false;
  #failed = false;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  /** Bytes held for a command that is not whole yet. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** What was received and not yet handed out, for a connection that is passed on. */
  takeRest(): Buffer {
    const rest = this.#buffer.subarray(this.#start, this.#end);
    this.#buffer = EMPTY;
    this.#start = this.#position = this.#end = this.#argsLeft = this.#skipBytes = 0;
    this.#bulkLength = -1;
    this.#bounds = [];
    return rest;
  }

  push(chunk: Buffer): void {
    const left = this.#end - this.#start;
    if (left === 0) {
      this.#buffer = chunk;
      this.#position = 0;
      this.#start = 0;
      this.#end = chunk.length;
      return;
    }
    if (this.#buffer !== this.#owned || this.#buffer.length - this.#end < chunk.length) {
      this.#grow(left + chunk.length);
    }
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  // The command straddles reads. Room doubles, so that bytes that trickle in are copied twice at
  // most; commands already handed out keep the old buffer.
  #grow(bytesNeeded: number): void {
    const grown = Buffer.allocUnsafe(Math.max(2 * (this.#end - this.#start), bytesNeeded));
    this.#buffer.copy(grown, 0, this.#start, this.#end);
    this.#position -= this.#start;
    this.#end -= this.#start;
    this.#start = 0;
    this.#buffer = grown;
    this.#owned = grown;
  }

  next(): Request | ProtocolError | Oversized | undefined {
    while (!this.#failed) {
      if (this.#argsLeft === 0) {
        if (this.#position >= this.#end) return undefined;
        const begun =
          this.#buffer[this.#position] === STAR ? this.#beginMultibulk() : this.#inline();
        if (begun === 'more') return undefined;
        if (begun !== 'next') return begun;
        continue;
      }
      const read = this.#readArgument();
      if (read === 'more') return undefined;
      if (read !== 'next') return read;
      if (this.#argsLeft === 0) return this.#finish();
    }
    return undefined;
  }

  #beginMultibulk(): ProtocolError | 'more' | 'next' {
    const lineEnd = this.#lineEnd('too big mbulk count string');
    if (typeof lineEnd !== 'number') return lineEnd;
    const count = lengthInLine(this.#buffer, this.#position + 1, lineEnd);
    if (count === undefined || count > MULTIBULK_COUNT_MAX) {
      return this.#fail('invalid multibulk length');
    }
    this.#position = lineEnd + 2;
    if (count <= 0) this.#start = this.#position;
    else this.#argsLeft = count;
    return 'next';
  }

  #readArgument(): ProtocolError | 'more' | 'next' {
    if (this.#skipBytes > 0) return this.#skip();
    return this.#bulkLength < 0 ? this.#bulkHeader() : this.#bulkBody();
  }

  #bulkHeader(): ProtocolError | 'more' | 'next' {
    const lineEnd = this.#lineEnd('too big bulk count string');
    if (typeof lineEnd !== 'number') return lineEnd;
    const mark = this.#buffer[this.#position];
    if (mark !== DOLLAR) return this.#fail(`expected '$', got '${String.fromCharCode(mark)}'`);
    const length = lengthInLine(this.#buffer, this.#position + 1, lineEnd);
    if (length === undefined || length < 0 || length > this.#limits.bulkBytesMax) {
      return this.#fail('invalid bulk length');
    }
    this.#position = lineEnd + 2;
    this.#discarding ||= this.#position - this.#start + length > this.#limits.commandBytesMax;
    if (this.#discarding) this.#skipBytes = length + 2;
    else this.#bulkLength = length;
    return 'next';
  }

  #bulkBody(): 'more' | 'next' {
    const bodyEnd = this.#position + this.#bulkLength;
    if (bodyEnd + 2 > this.#end) return 'more';
    this.#bounds.push(this.#position - this.#start, bodyEnd - this.#start);
    this.#position = bodyEnd + 2;
    this.#bulkLength = -1;
    this.#argsLeft--;
    return 'next';
  }

  #skip(): 'more' | 'next' {
    const available = Math.min(this.#end - this.#position, this.#skipBytes);
    this.#position += available;
    this.#skipBytes -= available;
    this.#start = this.#position;
    if (this.#skipBytes > 0) return 'more';
    this.#argsLeft--;
    return 'next';
  }

  #finish(): Request | Oversized {
    const request = this.#discarding
      ? ({ kind: 'oversized' } as const)
      : new Request(this.#buffer.subarray(this.#start, this.#position), this.#bounds);
    this.#bounds = [];
    this.#discarding = false;
    this.#start = this.#position;
    return request;
  }

  #inline(): Request | ProtocolError | 'more' | 'next' {
    const newline = this.#find(LF);
    if (newline < 0) {
      const tooLong = this.#end - this.#position > INLINE_BYTES_MAX;
      return tooLong ? this.#fail('too big inline request') : 'more';
    }
    const lineEnd =
      newline > this.#position && this.#buffer[newline - 1] === CR ? newline - 1 : newline;
    const args = splitInline(this.#buffer.subarray(this.#position, lineEnd));
    if (args === undefined) return this.#fail('unbalanced quotes in request');
    this.#position = newline + 1;
    this.#start = this.#position;
    return args.length === 0 ? 'next' : Request.of(...args);
  }

  /** End of the line at the position, once its line end is whole too. */
  #lineEnd(tooLong: string): number | ProtocolError | 'more' {
    const end = this.#find(CR);
    if (end < 0) {
      return this.#end - this.#position > INLINE_BYTES_MAX ? this.#fail(tooLong) : 'more';
    }
    return end + 2 > this.#end ? 'more' : end;
  }

  // Redis searches with strchr, which a zero byte stops: such a line never ends there, nor here.
  #find(byte: number): number {
    for (let index = this.#position; index < this.#end; index++) {
      const found = this.#buffer[index];
      if (found === byte) return index;
      if (found === 0) return -1;
    }
    return -1;
  }

  #fail(what: string): ProtocolError {
    this.#failed = true;
    return { kind: 'protocolError', message: `Protocol error: ${what}` };
  }
}

const EMPTY = Buffer.alloc(0);
const STAR = 42;
const DOLLAR = 36;
const CR = 13;
const LF = 10;
const INLINE_BYTES_MAX = 64 * 1024;
const MULTIBULK_COUNT_MAX = 2 ** 31 - 1;
