import { crc32c, sealTrailer } from '@mu-smr/verbs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryRun } from '../src/entry-run.ts';
import { EntryView } from '../src/entry-view.ts';
import { EntryWriter, type GroupNonce } from '../src/entry-writer.ts';
import { Entry, EntryKind, entryBytes, LOG_HEADER_BYTES, logBytes } from '../src/layout.ts';
import type { LogOffset, ProposalNumber } from '../src/offset.ts';

const NONCE: GroupNonce = [0x8123_4567, 0xfedc_ba98];
const BYTES = 2048;
const GEOMETRY = { capacityBytes: BYTES, payloadBytesMax: 300, windowBytes: 1024 };

/** Memory with entries one behind the other from offset `begin` on, and where each begins. */
function writeEntries(payloads: readonly Uint8Array[], begin: number): [Uint8Array, number[]] {
  const memory = new Uint8Array(BYTES);
  const writer = new EntryWriter(memory, NONCE);
  writer.proposal = 35 as ProposalNumber;
  const begins: number[] = [];
  let at = 0;
  for (const payload of payloads) {
    if (at + entryBytes(payload.length) > BYTES) break;
    begins.push(at);
    const bytes = writer.command(at, (begin + at) as LogOffset, payload);
    sealTrailer(memory, at, at + bytes);
    at += bytes;
  }
  return [memory, begins];
}

/** Whether an entry stands there, by the words of docs/internals/log-layout.md and nothing else. */
function stands(memory: Uint8Array, at: number, offset: number, limit: number): boolean {
  const view = new DataView(memory.buffer, memory.byteOffset);
  const length = view.getUint32(at + Entry.payloadLength, true);
  const kind = memory[at + Entry.kindAndCount];
  const total = Math.ceil((Entry.payload + length + 8) / 64) * 64;
  if (total > limit || !Object.values<number>(EntryKind).includes(kind)) return false;
  if (view.getFloat64(at + Entry.offset, true) !== offset) return false;
  if (view.getUint32(at + Entry.groupNonce, true) !== NONCE[0]) return false;
  if (view.getUint32(at + Entry.groupNonce + 4, true) !== NONCE[1]) return false;
  const sum = crc32c(memory, at, at + total - 8);
  const trailer = at + total - 8;
  return (
    view.getUint32(trailer, true) === sum && view.getUint32(trailer + 4, true) === (sum | 1) >>> 0
  );
}

/** What may have happened to the memory: bytes of something else, anywhere. */
const splices = fc.array(
  fc.record({ at: fc.nat(BYTES - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 96 }) }),
  { maxLength: 4 },
);
const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 });

// protocol.md, I13: whatever bytes stand in memory, an entry counts only when it is whole.
describe('entries in memory with anything in it', () => {
  it('are accepted exactly when they are whole', () => {
    let refused = 0;
    fc.assert(
      fc.property(payloads, splices, fc.nat(1 << 20), (all, changes, line) => {
        const begin = line * 64;
        const [memory, begins] = writeEntries(all, begin);
        for (const { at, bytes } of changes) memory.set(bytes.subarray(0, BYTES - at), at);
        const view = new EntryView(memory, NONCE);
        for (const at of begins) {
          const offset = (begin + at) as LogOffset;
          const whole = stands(memory, at, offset, BYTES - at);
          if (!whole) refused++;
          expect(view.moveTo(at).accepted(offset, BYTES - at)).toBe(whole);
          // The same bytes are no entry for any other offset: those of the next lap, for one.
          expect(view.moveTo(at).accepted((offset + BYTES) as LogOffset, BYTES - at)).toBe(false);
        }
      }),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(500);
  });

  it('are walked only as far as they are whole, and by their headers as far as those fit', () => {
    let refused = 0;
    fc.assert(
      fc.property(payloads, splices, fc.nat(1 << 20), (all, changes, lap) => {
        const begin = lap * BYTES;
        const [memory, begins] = writeEntries(all, begin);
        for (const { at, bytes } of changes) memory.set(bytes.subarray(0, BYTES - at), at);
        const log = new Uint8Array(logBytes(GEOMETRY));
        log.set(memory, LOG_HEADER_BYTES);
        const view = new EntryView(memory, NONCE);
        let whole = 0;
        let at = 0;
        for (; at < BYTES && stands(memory, at, begin + at, BYTES - at); whole++)
          at += view.moveTo(at).totalBytes;
        if (whole < begins.length) refused++;

        const run = new EntryRun(log, GEOMETRY, NONCE);
        expect(run.read(begin as LogOffset)).toBe(whole > 0);
        expect([run.count, run.end]).toEqual([whole, begin + at]);
        for (let n = 0; n < whole; n++) {
          view.moveTo(begins[n]);
          expect([run.kind(n), run.commands(n)]).toEqual([view.kind, view.count]);
          expect(run.payloadAt(n)).toBe(LOG_HEADER_BYTES + view.payloadAt);
          expect(run.payloadLength(n)).toBe(view.payloadLength);
        }

        const headers = new EntryRun(log, GEOMETRY, NONCE, 'header');
        headers.read(begin as LogOffset);
        let fit = 0;
        for (let next = 0; next < BYTES; fit++) {
          if (!view.moveTo(next).headerFits((begin + next) as LogOffset, BYTES - next)) break;
          next += view.totalBytes;
        }
        expect(headers.count).toBe(fit);
      }),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(300);
  });
});
