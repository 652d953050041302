/** Longer commands are rare or large enough to pay for an array of their own. */
const SHORT_BYTES_MAX = 256;

/**
 * Byte arrays that all begin at one place of a memory. Those of short commands are made once, when
 * their length is first needed, so that handing one out allocates nothing.
 */
export class CommandViews {
  readonly #bytes: Uint8Array;
  readonly #at: number;
  readonly #short = new Array<Uint8Array | undefined>(SHORT_BYTES_MAX + 1).fill(undefined);

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = bytes.byteOffset + at;
  }

  of(length: number): Uint8Array {
    if (length > SHORT_BYTES_MAX) return this.#view(length);
    return this.#short[length] ?? (this.#short[length] = this.#view(length));
  }

  #view(length: number): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#at, length);
  }
}

/**
 * Reads commands out of a log as byte arrays, without allocating for short ones: those are copied to
 * one place. What `read` returns is therefore valid only until the next call.
 */
export class CommandReader {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #short = new Uint32Array(SHORT_BYTES_MAX / 4);
  readonly #views = new CommandViews(new Uint8Array(this.#short.buffer), 0);

  /** `bytes` must begin at a multiple of 4. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  }

  /** The command of `length` bytes at byte `at`, a multiple of 4. */
  read(at: number, length: number): Uint8Array {
    if (length > SHORT_BYTES_MAX)
      return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
    const words = this.#words;
    const short = this.#short;
    const first = at >> 2;
    const count = (length + 3) >> 2;
    let word = 0;
    // Four at a time: what V8 checks in each round takes longer than a copy.
    for (; word + 4 <= count; word += 4) {
      const from = first + word;
      short[word] = words[from];
      short[word + 1] = words[from + 1];
      short[word + 2] = words[from + 2];
      short[word + 3] = words[from + 3];
    }
    for (; word < count; word++) short[word] = words[first + word];
    return this.#views.of(length);
  }

  /** Bytes of the command that a batch has at byte `at`; the command itself follows 4 bytes later. */
  batchedLength(at: number): number {
    return this.#words[at >> 2];
  }
}
