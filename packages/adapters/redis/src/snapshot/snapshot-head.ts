import { RedisAdapterError } from '../errors.js';
import type { DeadlineRow } from '../ttl/deadlines.js';

/** What a snapshot holds beside the dataset. */
export interface AdapterState {
  readonly sequence: number;
  readonly timestampMs: number;
  readonly deadlines: readonly DeadlineRow[];
}

const VERSION = 1;

/** The adapter's state as the first bytes of a snapshot: a length, then JSON. */
export function encodeHead(state: AdapterState): Buffer {
  const deadlines = state.deadlines.map(({ db, key, atMs }) => [db, key.toString('base64'), atMs]);
  const body = Buffer.from(JSON.stringify({ version: VERSION, ...state, deadlines }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
}

/** Length of the whole head, `undefined` while its first four bytes are not there. */
export function headLength(bytes: Buffer): number | undefined {
  return bytes.length < 4 ? undefined : 4 + bytes.readUInt32LE(0);
}

export function decodeHead(bytes: Buffer): AdapterState {
  try {
    const { version, sequence, timestampMs, deadlines } = JSON.parse(bytes.toString('utf8', 4));
    if (version !== VERSION) throw new Error(`version ${version}`);
    return {
      sequence,
      timestampMs,
      deadlines: deadlines.map(([db, key, atMs]: [number, string, number]) => ({
        db,
        key: Buffer.from(key, 'base64'),
        atMs,
      })),
    };
  } catch (cause) {
    throw new RedisAdapterError('SNAPSHOT_CORRUPT', 'the head of the snapshot is damaged', {
      cause,
    });
  }
}
