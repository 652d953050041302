import { RedisAdapterError } from '../errors.js';

/** What one log entry says beside its commands. */
export interface EntryHeader {
  /** Which process proposed it, and the number of its batch: how replies find their clients. */
  readonly origin: number;
  readonly batch: number;
  /** The clock of everything in the entry, in ms since 1970; applied monotonically. */
  readonly timestampMs: number;
  /**
   * Number of entries that must have been applied before this one, or `ANY_SEQUENCE`. An entry
   * resolved against another state is void at every replica alike.
   */
  readonly sequence: number;
  readonly commandCount: number;
}

/** One command of an entry: its row in the command table, its database, its RESP bytes. */
export interface EntryCommand {
  readonly specIndex: number;
  readonly db: number;
  readonly raw: Buffer;
}

export const ANY_SEQUENCE = -1;
/** Stands for a table row: the keys of the command are checked for reached deadlines. */
export const EXPIRE_INDEX = 0xffff;
export const HEADER_BYTES = 32;
/** What a command takes in an entry beside its own bytes. */
export const COMMAND_OVERHEAD_BYTES = 8;

const VERSION = 1;

/** Encodes a batch as one log entry. */
export function encodeEntry(
  header: Omit<EntryHeader, 'commandCount'>,
  commands: readonly EntryCommand[],
): Buffer {
  let length = HEADER_BYTES;
  for (const command of commands) length += COMMAND_OVERHEAD_BYTES + command.raw.length;
  const entry = Buffer.allocUnsafe(length);
  entry.writeUInt32LE(VERSION, 0);
  entry.writeUInt32LE(header.origin, 4);
  entry.writeUInt32LE(header.batch, 8);
  entry.writeUInt32LE(commands.length, 12);
  entry.writeDoubleLE(header.timestampMs, 16);
  entry.writeDoubleLE(header.sequence, 24);

  let position = HEADER_BYTES;
  for (const { specIndex, db, raw } of commands) {
    entry.writeUInt16LE(specIndex, position);
    entry.writeUInt16LE(db, position + 2);
    entry.writeUInt32LE(raw.length, position + 4);
    raw.copy(entry, position + COMMAND_OVERHEAD_BYTES);
    position += COMMAND_OVERHEAD_BYTES + raw.length;
  }
  return entry;
}

export function decodeHeader(entry: Buffer): EntryHeader {
  if (entry.length < HEADER_BYTES || entry.readUInt32LE(0) !== VERSION) {
    throw new RedisAdapterError(
      'ENTRY_CORRUPT',
      'a log entry is not of this version of the adapter',
    );
  }
  return {
    origin: entry.readUInt32LE(4),
    batch: entry.readUInt32LE(8),
    commandCount: entry.readUInt32LE(12),
    timestampMs: entry.readDoubleLE(16),
    sequence: entry.readDoubleLE(24),
  };
}

/** Walks the commands of an entry; each `raw` is a view of it. */
export function* decodeCommands(entry: Buffer): Generator<EntryCommand> {
  let position = HEADER_BYTES;
  while (position < entry.length) {
    const start = position + COMMAND_OVERHEAD_BYTES;
    const end = start + entry.readUInt32LE(position + 4);
    if (end > entry.length) {
      throw new RedisAdapterError('ENTRY_CORRUPT', 'a command reaches beyond its log entry');
    }
    yield {
      specIndex: entry.readUInt16LE(position),
      db: entry.readUInt16LE(position + 2),
      raw: entry.subarray(start, end),
    };
    position = end;
  }
}
