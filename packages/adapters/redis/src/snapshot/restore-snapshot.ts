import { open } from 'node:fs/promises';
import type { RedisBackend } from '../backend/redis-backend.js';
import { RedisAdapterError } from '../errors.js';
import { decodeHead, headLength, type AdapterState } from './snapshot-head.js';

/** Restarts the local redis-server on a snapshot's dataset and returns the adapter's state. */
export async function restoreSnapshot(
  backend: RedisBackend,
  chunks: AsyncIterable<Uint8Array>,
): Promise<AdapterState> {
  const file = await open(backend.dumpPath, 'w', 0o600);
  let state: AdapterState | undefined;
  try {
    let head = Buffer.alloc(0);
    for await (const chunk of chunks) {
      if (state !== undefined) {
        await file.writeFile(chunk);
        continue;
      }
      head = Buffer.concat([head, chunk]);
      const length = headLength(head);
      if (length === undefined || head.length < length) continue;
      state = decodeHead(head.subarray(0, length));
      await file.writeFile(head.subarray(length));
    }
  } finally {
    await file.close();
  }
  if (state === undefined)
    throw new RedisAdapterError('SNAPSHOT_CORRUPT', 'the snapshot is cut off');
  // Reads that were begun before are answered: no more have been since the state was given up.
  await backend.connection.ask('PING');
  await backend.restart();
  return state;
}
