import { describe, expect, it } from 'vitest';
import { sealTrailer } from '../src/integrity.ts';
import { TrailerVerifier } from '../src/native/trailer-verifier.ts';

// providers.md: entries need an integrity check of their own; a torn one is detected.
describe('TrailerVerifier', () => {
  function sealed(count: number): { bytes: Uint8Array; verifier: TrailerVerifier } {
    const bytes = new Uint8Array(count * 128).map((_, n) => n * 7);
    const verifier = new TrailerVerifier(bytes, count);
    for (let n = 0; n < count; n++) {
      sealTrailer(bytes, n * 128, (n + 1) * 128);
      verifier.ranges.set([n * 128, (n + 1) * 128], 2 * n);
    }
    return { bytes, verifier };
  }

  it('agrees with sealTrailer on whole writes', () => {
    expect(sealed(16).verifier.verify(16)).toBe(16);
  });

  it('stops at the first write with a changed byte, whichever byte', () => {
    for (let byte = 0; byte < 128; byte++) {
      const { bytes, verifier } = sealed(4);
      bytes[2 * 128 + byte] ^= 1;
      expect(verifier.verify(4)).toBe(2);
    }
  });

  it('refuses ranges outside of the memory', () => {
    const { verifier } = sealed(2);
    verifier.ranges.set([128, 4096], 2);
    expect(verifier.verify(2)).toBe(1);
    verifier.ranges.set([128, 64], 2);
    expect(verifier.verify(2)).toBe(1);
  });
});
