import { ConsensusError } from '../errors.ts';
import type { SessionRecord, SessionTable, SessionTableRecord } from './session-table.ts';

/** `opened` and the number of sessions. */
const HEAD_BYTES = 16;
/** Number, nonce, highest sequence, number of replies. */
const SESSION_BYTES = 32;
/** Sequence and length of a reply, which follows. */
const REPLY_BYTES = 16;
/** More is no reply of ours: a command's own result is bounded by what a log entry can ask for. */
const LENGTH_MAX = 2 ** 31;

/** The table as chunks, one session at a time, and the application's own behind it. */
export async function* writeSessions(
  table: SessionTableRecord,
  rest: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  yield Buffer.from(Float64Array.of(table.opened, table.sessions.length).buffer);
  for (const { id, highest, replies } of table.sessions) {
    const head = Buffer.alloc(SESSION_BYTES);
    head.writeDoubleLE(id.number, 0);
    head.writeBigUInt64LE(id.nonce, 8);
    head.writeDoubleLE(highest, 16);
    head.writeDoubleLE(replies.length, 24);
    yield head;
    for (const [sequence, reply] of replies) {
      yield Buffer.from(Float64Array.of(sequence, reply.length).buffer);
      yield reply;
    }
  }
  yield* rest;
}

/**
 * Loads what `writeSessions` wrote, however it was cut into chunks, and returns what stands behind it.
 * Throws `ConsensusError` STATE_TRANSFER when it ends too soon or cannot be a table.
 */
export async function readSessions(
  chunks: AsyncIterable<Uint8Array>,
  table: SessionTable,
): Promise<AsyncIterable<Uint8Array>> {
  const reader = new ChunkReader(chunks);
  const head = await reader.take(HEAD_BYTES);
  table.reset(count(head.readDoubleLE(0)));
  const sessions = count(head.readDoubleLE(8));
  for (let n = 0; n < sessions; n++) table.load(await readSession(reader));
  return reader.rest();
}

async function readSession(reader: ChunkReader): Promise<SessionRecord> {
  const head = await reader.take(SESSION_BYTES);
  const id = { number: count(head.readDoubleLE(0)), nonce: head.readBigUInt64LE(8) };
  const highest = count(head.readDoubleLE(16));
  const replies: [number, Uint8Array][] = [];
  for (let left = count(head.readDoubleLE(24)); left > 0; left--) {
    const reply = await reader.take(REPLY_BYTES);
    const length = count(reply.readDoubleLE(8));
    if (length > LENGTH_MAX) throw broken(`a reply of ${length} bytes`);
    replies.push([count(reply.readDoubleLE(0)), await reader.take(length)]);
  }
  return { id, highest, replies };
}

function count(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw broken(`${value} where a count stands`);
  return value;
}

function broken(problem: string): ConsensusError {
  return new ConsensusError('STATE_TRANSFER', `the sessions of a snapshot: ${problem}`);
}

/** Takes so many bytes at a time from chunks of any size; holds no more than is asked for and one chunk. */
class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** A copy. */
  async take(length: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#chunk.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) throw broken(`it ends ${missing} bytes too soon`);
        this.#chunk = next.value;
      }
      const part = this.#chunk.subarray(0, missing);
      parts.push(part);
      this.#chunk = this.#chunk.subarray(part.length);
      missing -= part.length;
    }
    return Buffer.concat(parts, length);
  }

  async *rest(): AsyncIterable<Uint8Array> {
    if (this.#chunk.length > 0) yield this.#chunk;
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done === true) return;
      yield next.value;
    }
  }
}
