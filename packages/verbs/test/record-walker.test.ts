import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sealTrailer } from '../src/integrity.ts';
import { loadBinding } from '../src/native/load.ts';
import {
  FOUND_WORDS,
  RecordWalker,
  walkInJavaScript,
  type RecordFormat,
} from '../src/native/record-walker.ts';

const FORMAT: RecordFormat = {
  alignment: 64,
  headerBytes: 32,
  payloadLengthAt: 0,
  kindAt: 4,
  kindMax: 3,
  offsetAt: 8,
  nonceAt: 16,
  nonce: [0x8765_4321, 0xfedc_ba98],
};

/** Memory with `count` records of 128 bytes each, from offset `begin` on. */
function records(count: number, begin = 0): Uint8Array {
  const bytes = new Uint8Array(count * 128).map((_, n) => n * 7);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += 128) {
    view.setUint32(at, 60, true);
    view.setUint32(at + 4, 2 | (5 << 8), true);
    view.setFloat64(at + 8, begin + at, true);
    view.setUint32(at + 16, FORMAT.nonce[0], true);
    view.setUint32(at + 20, FORMAT.nonce[1], true);
    sealTrailer(bytes, at, at + 128);
  }
  return bytes;
}

// providers.md: entries need an integrity check of their own; a torn one is detected.
describe('RecordWalker', () => {
  it('finds whole records, and tells of each where it is and what it says', () => {
    const begin = 2 ** 40;
    const walker = new RecordWalker(records(16, begin), FORMAT, 16, 'trailer');
    expect(walker.walk(begin, 0, 16 * 128)).toBe(16);
    expect([...walker.found.subarray(3 * FOUND_WORDS, 4 * FOUND_WORDS)]).toEqual([
      3 * 128,
      60,
      2 | (5 << 8),
    ]);
  });

  it('stops at the first record with a changed byte, whichever byte', () => {
    for (let byte = 0; byte < 128; byte++) {
      const bytes = records(4);
      bytes[2 * 128 + byte] ^= 1;
      expect(new RecordWalker(bytes, FORMAT, 4, 'trailer').walk(0, 0, 512)).toBe(2);
    }
  });

  it('by the header alone stops where that is changed, and only there', () => {
    for (let byte = 0; byte < 128; byte++) {
      const bytes = records(4);
      bytes[2 * 128 + byte] ^= 0x80;
      // A kind's upper bytes say nothing of the kind; a header says nothing of what follows it.
      const noticed = (byte > 0 && byte < 5) || (byte >= 8 && byte < 24);
      const walker = new RecordWalker(bytes, FORMAT, 4, 'header');
      // With another length, which still fits, it would be one record instead of two.
      expect(walker.walk(0, 0, 512)).toBe(noticed ? 2 : byte === 0 ? 3 : 4);
    }
  });

  it('finds no more than it has room for, and none outside of the limit or the memory', () => {
    const bytes = records(4);
    expect(new RecordWalker(bytes, FORMAT, 3, 'trailer').walk(0, 0, 512)).toBe(3);
    const walker = new RecordWalker(bytes, FORMAT, 8, 'trailer');
    expect(walker.walk(0, 0, 511)).toBe(3);
    expect(walker.walk(128, 128, 128)).toBe(1);
    expect(walker.walk(0, 0, 0)).toBe(0);
    expect(walker.walk(0, 0, 0xffff_ffff)).toBe(4);
    expect(walker.walk(0, 512, 512)).toBe(0);
    expect(walker.walk(0, 0xffff_ffff, 512)).toBe(0);
    const long = records(4);
    new DataView(long.buffer).setUint32(128, 0xffff_ffff, true);
    expect(new RecordWalker(long, FORMAT, 8, 'header').walk(0, 0, 512)).toBe(1);
  });

  it('is the same in C++ and in JavaScript, whatever stands in the memory', () => {
    const splices = fc.array(
      fc.record({ at: fc.nat(1023), bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }) }),
      { maxLength: 3 },
    );
    let fewer = 0;
    fc.assert(
      fc.property(splices, fc.boolean(), fc.nat(1100), (all, trailers, limit) => {
        const bytes = records(8);
        for (const { at, bytes: other } of all) bytes.set(other.subarray(0, 1024 - at), at);
        const [mine, theirs] = [new Uint32Array(24), new Uint32Array(24)];
        const native = loadBinding().createRecordWalker(bytes, FORMAT, mine, trailers);
        const count = native(0, 0, limit);
        expect(walkInJavaScript(bytes, FORMAT, theirs, trailers)(0, 0, limit)).toBe(count);
        expect(mine.subarray(0, FOUND_WORDS * count)).toEqual(
          theirs.subarray(0, FOUND_WORDS * count),
        );
        if (count < Math.floor(limit / 128)) fewer++;
      }),
      { numRuns: 2000 },
    );
    expect(fewer).toBeGreaterThan(200);
  });
});
