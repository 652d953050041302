/**
 * The integrity trailer of a sealed write: its last 8 bytes.
 *
 * Word 0 is the CRC-32C of everything before the trailer, word 1 the canary: the same number with
 * its lowest bit set, so it is never zero and, being the last to land, doubles as the sign that the
 * write is whole. A canary alone is not enough: multi-packet writes were seen torn on Soft-RoCE.
 */
export const TRAILER_BYTES = 8;

const TABLE = makeTable();

function makeTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    // Castagnoli polynomial, reflected: the one that x86 and ARM compute in hardware.
    for (let k = 0; k < 8; k++) c = (c & 1) !== 0 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    table[n] = c >>> 0;
  }
  return table;
}

/** CRC-32C (RFC 3720, appendix B.4) of `bytes[from, to)`. */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let c = 0xffff_ffff;
  for (let i = from; i < to; i++) c = TABLE[(c ^ bytes[i]) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffff_ffff) >>> 0;
}

/** Stores the trailer of `bytes[from, to)` in its last 8 bytes, little-endian. */
export function sealTrailer(bytes: Uint8Array, from: number, to: number): void {
  const sum = crc32c(bytes, from, to - TRAILER_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(to - 8, sum, true);
  view.setUint32(to - 4, (sum | 1) >>> 0, true);
}

/** Whether `bytes[from, to)` carries the trailer that `sealTrailer` would store. */
export function trailerMatches(bytes: Uint8Array, from: number, to: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const sum = view.getUint32(to - 8, true);
  if (view.getUint32(to - 4, true) !== (sum | 1) >>> 0) return false;
  return crc32c(bytes, from, to - TRAILER_BYTES) === sum;
}
