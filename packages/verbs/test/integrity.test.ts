import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c, sealTrailer, TRAILER_BYTES, trailerMatches } from '../src/integrity.ts';

// RFC 3720, appendix B.4: CRC examples.
const VECTORS: [string, Uint8Array, number][] = [
  ['32 bytes of zeroes', new Uint8Array(32), 0x8a91_36aa],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8_ab43],
  ['32 bytes ascending', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd_794e],
  ['32 bytes descending', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113f_db5c],
  [
    'an iSCSI READ(10) command',
    Uint8Array.of(
      ...[0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0],
      ...[0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0],
    ),
    0xd996_3a56,
  ],
  ['"123456789"', Buffer.from('123456789'), 0xe306_9283],
  ['nothing', new Uint8Array(0), 0],
];

const entry = fc
  .uint8Array({ minLength: 1, maxLength: 300 })
  .map((payload) => Uint8Array.of(...payload, ...new Uint8Array(TRAILER_BYTES)));

describe('crc32c', () => {
  for (const [name, bytes, sum] of VECTORS)
    it(`matches the published value of ${name}`, () => {
      expect(crc32c(bytes)).toBe(sum);
    });

  it('sums a range as it would the bytes alone', () => {
    const bytes = Uint8Array.of(9, ...Buffer.from('123456789'), 9);
    expect(crc32c(bytes, 1, 10)).toBe(0xe306_9283);
  });
});

describe('the trailer of a sealed write', () => {
  it('is the checksum, then the checksum with its lowest bit set, little-endian', () => {
    const bytes = new Uint8Array(32 + 8);
    sealTrailer(bytes, 0, 40);
    expect([...bytes.subarray(32)]).toEqual([0xaa, 0x36, 0x91, 0x8a, 0xab, 0x36, 0x91, 0x8a]);
  });

  it('covers the given range and touches nothing beside it', () => {
    const bytes = new Uint8Array(64).fill(0x11);
    sealTrailer(bytes, 10, 40);
    expect(bytes.subarray(0, 32).every((byte) => byte === 0x11)).toBe(true);
    expect(bytes.subarray(40).every((byte) => byte === 0x11)).toBe(true);
    expect(trailerMatches(bytes, 10, 40)).toBe(true);
  });

  it('works on a view that does not start at its buffer', () => {
    const bytes = new Uint8Array(new ArrayBuffer(64), 8, 40).fill(5);
    sealTrailer(bytes, 0, 40);
    expect(trailerMatches(bytes, 0, 40)).toBe(true);
    expect(new Uint8Array(bytes.buffer, 0, 8).every((byte) => byte === 0)).toBe(true);
  });

  it('does not match zeroed memory: an entry that never arrived is not an entry', () => {
    for (const length of [8, 16, 100])
      expect(trailerMatches(new Uint8Array(length), 0, length)).toBe(false);
  });

  it('detects a change of any single byte', () => {
    fc.assert(
      fc.property(entry, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, where, change) => {
        sealTrailer(bytes, 0, bytes.length);
        expect(trailerMatches(bytes, 0, bytes.length)).toBe(true);
        bytes[where % bytes.length] ^= change;
        expect(trailerMatches(bytes, 0, bytes.length)).toBe(false);
      }),
    );
  });

  it('detects every torn prefix over zeroed memory, unless the rest is zero anyway', () => {
    fc.assert(
      fc.property(entry, (bytes) => {
        sealTrailer(bytes, 0, bytes.length);
        for (let arrived = 0; arrived < bytes.length; arrived++) {
          const torn = new Uint8Array(bytes.length);
          torn.set(bytes.subarray(0, arrived));
          const whole = Buffer.compare(torn, bytes) === 0;
          expect(trailerMatches(torn, 0, torn.length)).toBe(whole);
        }
      }),
    );
  });

  it('detects truncation', () => {
    fc.assert(
      fc.property(entry, (bytes) => {
        sealTrailer(bytes, 0, bytes.length);
        for (let length = TRAILER_BYTES; length < bytes.length; length++)
          expect(trailerMatches(bytes, 0, length)).toBe(false);
      }),
      // A checksum of 32 bits cannot exclude an accident; the seed keeps the run the same.
      { seed: 1 },
    );
  });
});
