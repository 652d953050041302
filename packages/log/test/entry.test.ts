import { sealTrailer } from '@mu-smr/verbs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryView } from '../src/entry-view.ts';
import { EntryWriter, type GroupNonce } from '../src/entry-writer.ts';
import { EntryKind } from '../src/layout.ts';
import type { LogOffset, ProposalNumber } from '../src/offset.ts';

const NONCE: GroupNonce = [0x1234_5678, 0x9abc_def0];
const BYTES = 1024;
const offset = (value: number): LogOffset => value as LogOffset;

/** Memory with one sealed entry at its beginning. */
function written(payload: Uint8Array, at: LogOffset): { memory: Uint8Array; bytes: number } {
  const memory = new Uint8Array(BYTES);
  const writer = new EntryWriter(memory, NONCE);
  writer.proposal = 17 as ProposalNumber;
  writer.firstUndecided = offset(at);
  const bytes = writer.command(0, at, payload);
  sealTrailer(memory, 0, bytes);
  return { memory, bytes };
}

// I13: "an entry is accepted only with integrity check and expected absolute offset."
describe('EntryView', () => {
  it('accepts what was written, whole', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 900 }), fc.nat(2 ** 30), (payload, line) => {
        const at = offset(line * 64 * 1024);
        const { memory, bytes } = written(payload, at);
        const view = new EntryView(memory, NONCE).moveTo(0);
        expect(view.state(at, BYTES)).toBe('accepted');
        expect([view.totalBytes, view.count, view.kind]).toEqual([bytes, 1, EntryKind.command]);
        expect(Buffer.from(view.payload())).toEqual(Buffer.from(payload));
        expect(view.proposal).toBe(17);
      }),
    );
  });

  it('accepts no prefix of an entry: a write is cut off between any two bytes', () => {
    const { memory, bytes } = written(new Uint8Array(100).fill(7), offset(640));
    for (let cut = 0; cut < bytes; cut++) {
      const torn = new Uint8Array(BYTES);
      torn.set(memory.subarray(0, cut));
      // The trailer's last bytes may be zeroes by chance; then nothing is missing.
      const same = Buffer.from(torn).equals(Buffer.from(memory));
      expect(new EntryView(torn, NONCE).moveTo(0).accepted(offset(640), BYTES)).toBe(same);
    }
  });

  it('accepts no entry with one changed byte', () => {
    const { memory, bytes } = written(new Uint8Array(40).fill(9), offset(0));
    for (let byte = 0; byte < bytes; byte++) {
      const changed = memory.slice();
      changed[byte] ^= 0x40;
      expect(new EntryView(changed, NONCE).moveTo(0).accepted(offset(0), BYTES)).toBe(false);
    }
  });

  it('refuses a lap-old entry, one of another group, and one that ends beyond the area', () => {
    const { memory, bytes } = written(new Uint8Array(40), offset(128));
    const view = new EntryView(memory, NONCE).moveTo(0);
    expect(view.accepted(offset(128), bytes)).toBe(true);
    expect(view.accepted(offset(128 + BYTES), BYTES)).toBe(false);
    expect(view.accepted(offset(128), bytes - 1)).toBe(false);
    expect(new EntryView(memory, [1, 2]).moveTo(0).accepted(offset(128), BYTES)).toBe(false);
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 256, maxLength: 256 }), (bytes) => {
        const view = new EntryView(bytes.slice(), NONCE).moveTo(0);
        expect(view.state(offset(0), 256)).not.toBe('accepted');
      }),
    );
  });

  it('tells an empty slot from a partial one', () => {
    const memory = new Uint8Array(BYTES);
    expect(new EntryView(memory, NONCE).moveTo(0).state(offset(0), BYTES)).toBe('empty');
    memory[63] = 1;
    expect(new EntryView(memory, NONCE).moveTo(0).state(offset(0), BYTES)).toBe('partial');
  });
});
