import { connect, type Socket } from 'node:net';
import type { RedisBackend } from '../backend/redis-backend.js';
import { RedisAdapterError } from '../errors.js';
import { Request } from '../resp/request.js';
import { encodeHead, type AdapterState } from './snapshot-head.js';

/**
 * The adapter's state and the dataset as an RDB, both as of this call.
 *
 * We attach to the local redis-server as a replica would. Commands that come meanwhile wait until
 * it has forked, so the dataset is that between two log entries; then they go on.
 */
export function takeSnapshot(
  backend: RedisBackend,
  state: AdapterState,
): AsyncIterable<Uint8Array> {
  const head = encodeHead(state);
  const { connection } = backend;
  // The hold begins before anybody else can run; what was sent before is still executed.
  const executed = connection.ask('PING');
  connection.hold();
  const dataset = executed.then(() => requestDataset(backend)).finally(() => connection.release());
  dataset.catch(() => undefined);
  return (async function* chunks() {
    yield head;
    yield* readDataset(await dataset);
  })();
}

interface Dataset {
  readonly socket: Socket;
  readonly chunks: AsyncIterator<Buffer>;
  /** What ends the dataset, and what of it has come already. */
  readonly endMark: Buffer;
  readonly first: Buffer;
}

/** Asks for a full synchronisation and resolves once redis-server has forked to send it. */
async function requestDataset(backend: RedisBackend): Promise<Dataset> {
  const socket = connect(backend.socketPath);
  const chunks = socket.iterator() as AsyncIterator<Buffer>;
  try {
    // redis-server refuses PSYNC while an earlier reply is still to be sent: one step at a time.
    await acknowledged(socket, chunks, Request.of('AUTH', backend.password));
    await acknowledged(socket, chunks, Request.of('REPLCONF', 'capa', 'eof'));
    socket.write(Request.of('PSYNC', '?', '-1').raw);
    let received = Buffer.alloc(0);
    for (;;) {
      const { value, done } = await chunks.next();
      if (done === true) throw damaged('redis-server ended the synchronisation');
      received = Buffer.concat([received, value]);
      const text = received.toString('latin1');
      const header = /\$EOF:(.{40})\r\n/.exec(text);
      if (header === null) {
        const refused = /^-.*/m.exec(text);
        if (refused !== null) throw damaged(`redis-server refused to synchronise: ${refused[0]}`);
        continue;
      }
      const first = received.subarray(header.index + header[0].length);
      return { socket, chunks, endMark: Buffer.from(header[1], 'latin1'), first };
    }
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function acknowledged(
  socket: Socket,
  chunks: AsyncIterator<Buffer>,
  request: Request,
): Promise<void> {
  socket.write(request.raw);
  const { value } = await chunks.next();
  if (value?.toString() !== '+OK\r\n') throw damaged(`redis-server refused: ${value}`);
}

/** Passes the dataset on up to its end mark, which may be cut in two by a read. */
async function* readDataset({ socket, chunks, endMark, first }: Dataset): AsyncGenerator<Buffer> {
  try {
    let pending = first;
    for (;;) {
      const end = pending.indexOf(endMark);
      if (end >= 0) {
        yield pending.subarray(0, end);
        return;
      }
      const certain = Math.max(0, pending.length - endMark.length);
      if (certain > 0) yield pending.subarray(0, certain);
      const { value, done } = await chunks.next();
      if (done === true) throw damaged('redis-server ended in the middle of the dataset');
      pending = Buffer.concat([pending.subarray(certain), value]);
    }
  } finally {
    socket.destroy();
  }
}

function damaged(message: string): RedisAdapterError {
  return new RedisAdapterError('BACKEND_PROTOCOL', message);
}
