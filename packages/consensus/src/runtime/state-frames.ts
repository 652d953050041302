import type { Socket } from 'node:net';
import { ConsensusError } from '../errors.ts';

/** What a frame of a state transfer carries. */
export const StateFrame = {
  /** JSON: as of which offset, and who were members then. */
  header: 0,
  /** A piece of the snapshot, and its end. */
  chunk: 1,
  snapshotEnd: 2,
  /** An entry that the donor has applied since. */
  entry: 3,
  /** All that the donor has applied so far was sent; 1 when recycling does not pass the receiver. */
  caughtUp: 4,
} as const;

const HEAD_BYTES = 5;
/** Longer pieces of a snapshot are cut; entries are bounded by the ring. */
const CHUNK_BYTES_MAX = 1024 * 1024;
const FRAME_BYTES_MAX = 64 * 1024 * 1024;

export interface ReceivedFrame {
  readonly kind: number;
  readonly payload: Buffer;
}

/** Writes one frame; resolves when the socket takes more. Rejects when the peer is gone. */
export async function writeFrame(socket: Socket, kind: number, payload: Uint8Array): Promise<void> {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(payload.length);
  head[4] = kind;
  if (socket.destroyed) throw gone();
  socket.cork();
  socket.write(head);
  const more = socket.write(payload);
  socket.uncork();
  if (!more) await drained(socket);
  if (socket.destroyed) throw gone();
}

/** Resolves when the socket takes more, or is closed. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

/** Writes a piece of a snapshot, in frames of bounded length. */
export async function writeChunk(socket: Socket, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; at += CHUNK_BYTES_MAX)
    await writeFrame(socket, StateFrame.chunk, chunk.subarray(at, at + CHUNK_BYTES_MAX));
}

/** The frames that come in, until the peer ends the connection. */
export async function* readFrames(socket: Socket): AsyncGenerator<ReceivedFrame, void, void> {
  let bytes: Buffer = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    while (bytes.length >= HEAD_BYTES) {
      const length = bytes.readUInt32LE();
      if (length > FRAME_BYTES_MAX)
        throw new ConsensusError('STATE_TRANSFER', `a frame of ${length} bytes`);
      if (bytes.length < HEAD_BYTES + length) break;
      yield { kind: bytes[4], payload: bytes.subarray(HEAD_BYTES, HEAD_BYTES + length) };
      bytes = bytes.subarray(HEAD_BYTES + length);
    }
  }
}

function gone(): ConsensusError {
  return new ConsensusError('STATE_TRANSFER', 'the peer ended the connection');
}
