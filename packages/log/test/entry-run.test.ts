import { sealTrailer } from '@mu-smr/verbs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryRun } from '../src/entry-run.ts';
import { EntryWriter, type GroupNonce } from '../src/entry-writer.ts';
import { ENTRY_BYTES_MIN, LOG_HEADER_BYTES, logBytes } from '../src/layout.ts';
import { advance, LOG_BEGIN, type LogOffset } from '../src/offset.ts';

const NONCE: GroupNonce = [0x1234_5678, 0x9abc_def0];
const GEOMETRY = { capacityBytes: 64 * 1024, payloadBytesMax: 4096, windowBytes: 8192 };

/** Puts a small entry at `at`, by a leader who knows of `decided` and `release`. */
function put(memory: Uint8Array, at: LogOffset, decided: LogOffset, release: LogOffset): void {
  const writer = new EntryWriter(memory, NONCE);
  writer.firstUndecided = decided;
  writer.release = release;
  const position = LOG_HEADER_BYTES + at;
  sealTrailer(memory, position, position + writer.command(position, at, new Uint8Array(4)));
}

/** A log with `entries` small entries; each tells that all before it is decided, and half of it released. */
function log(entries: number): Uint8Array {
  const memory = new Uint8Array(logBytes(GEOMETRY));
  for (let n = 0; n < entries; n++) {
    const at = (n * ENTRY_BYTES_MIN) as LogOffset;
    put(memory, at, at, (at / 2) as LogOffset);
  }
  return memory;
}

describe('EntryRun', () => {
  it('reads 64 entries at a time, and goes on where it ended', () => {
    const run = new EntryRun(log(100), GEOMETRY, NONCE);
    expect(run.read(LOG_BEGIN)).toBe(true);
    expect([run.count, run.end]).toEqual([64, 64 * ENTRY_BYTES_MIN]);
    expect(run.read(run.end)).toBe(true);
    expect([run.count, run.end]).toEqual([36, 100 * ENTRY_BYTES_MIN]);
    expect(run.firstUndecided).toBe(99 * ENTRY_BYTES_MIN);
    expect(run.release).toBe((99 * ENTRY_BYTES_MIN) / 2);
  });

  it('ends before an entry that is not whole, and believes nothing it says', () => {
    const memory = log(3);
    memory[LOG_HEADER_BYTES + 2 * ENTRY_BYTES_MIN + 49] ^= 1;
    const run = new EntryRun(memory, GEOMETRY, NONCE);
    expect(run.read(LOG_BEGIN)).toBe(true);
    expect([run.count, run.firstUndecided]).toEqual([2, ENTRY_BYTES_MIN]);
    expect(run.read(run.end)).toBe(false);
    expect([run.count, run.end]).toEqual([0, 2 * ENTRY_BYTES_MIN]);
    expect([run.firstUndecided, run.release]).toEqual([LOG_BEGIN, LOG_BEGIN]);
  });

  it('believes the last whole entry, whose leader may know less than the one before it', () => {
    const memory = log(2);
    put(memory, advance(LOG_BEGIN, 2 * ENTRY_BYTES_MIN), LOG_BEGIN, LOG_BEGIN);
    const run = new EntryRun(memory, GEOMETRY, NONCE);
    expect(run.read(LOG_BEGIN)).toBe(true);
    expect([run.count, run.firstUndecided, run.release]).toEqual([3, LOG_BEGIN, LOG_BEGIN]);
  });

  // An offset of the lap before stands where the next lap's entry is looked for.
  it('ends where the ring does', () => {
    const lap = GEOMETRY.capacityBytes;
    const entries = lap / ENTRY_BYTES_MIN;
    const run = new EntryRun(log(entries), GEOMETRY, NONCE);
    let read = 0;
    let at = LOG_BEGIN;
    for (; run.read(at); at = run.end) read += run.count;
    expect([read, at]).toEqual([entries, advance(LOG_BEGIN, lap)]);
  });

  it('ends where the caller says, if an entry does', () => {
    const run = new EntryRun(log(10), GEOMETRY, NONCE);
    expect(run.read(LOG_BEGIN, 3 * ENTRY_BYTES_MIN)).toBe(true);
    expect([run.count, run.end]).toEqual([3, 3 * ENTRY_BYTES_MIN]);
    expect(run.read(run.end, 4 * ENTRY_BYTES_MIN - 1)).toBe(false);
    expect(run.read(run.end, 3 * ENTRY_BYTES_MIN)).toBe(false);
  });

  it('of decided entries believes their headers', () => {
    const memory = log(3);
    memory[LOG_HEADER_BYTES + 2 * ENTRY_BYTES_MIN + 49] ^= 1;
    const run = new EntryRun(memory, GEOMETRY, NONCE, 'header');
    expect(run.read(LOG_BEGIN)).toBe(true);
    expect([run.count, run.payloadLength(2), run.totalBytes(2)]).toEqual([3, 4, ENTRY_BYTES_MIN]);
  });

  it('finds nothing in any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 256, maxLength: 256 }), (bytes) => {
        const memory = new Uint8Array(logBytes(GEOMETRY));
        memory.set(bytes, LOG_HEADER_BYTES);
        for (const check of ['trailer', 'header'] as const)
          expect(new EntryRun(memory, GEOMETRY, NONCE, check).read(LOG_BEGIN)).toBe(false);
      }),
    );
  });
});
