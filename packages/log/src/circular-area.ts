import { LOG_HEADER_BYTES, type LogGeometry } from './layout.ts';
import type { LogOffset } from './offset.ts';

/** A stretch of the log region's bytes. */
export interface Stretch {
  /** From the region's first byte. */
  readonly position: number;
  readonly length: number;
}

/** Where offsets fall in the region. */
export class CircularArea {
  readonly capacityBytes: number;
  readonly #mask: number;

  constructor(geometry: LogGeometry) {
    this.capacityBytes = geometry.capacityBytes;
    this.#mask = geometry.capacityBytes - 1;
  }

  /** Byte of the region at which `offset` stands. */
  position(offset: LogOffset): number {
    return LOG_HEADER_BYTES + this.#within(offset);
  }

  /** Bytes between `offset` and the end of the area. */
  untilEnd(offset: LogOffset): number {
    return this.capacityBytes - this.#within(offset);
  }

  /** Bytes to pad before an entry of `bytes` can stand: 0 unless it would straddle the end. */
  padBefore(offset: LogOffset, bytes: number): number {
    const left = this.untilEnd(offset);
    return left < bytes ? left : 0;
  }

  /** The one or two stretches that `[from, to)` covers. */
  stretches(from: LogOffset, to: LogOffset): Stretch[] {
    const length = to - from;
    const first = Math.min(length, this.untilEnd(from));
    const stretches = first > 0 ? [{ position: this.position(from), length: first }] : [];
    if (length > first) stretches.push({ position: LOG_HEADER_BYTES, length: length - first });
    return stretches;
  }

  #within(offset: LogOffset): number {
    // Offsets exceed 32 bits: a plain `&` would cut them in the wrong place only above the mask,
    // and ToInt32 keeps the low bits, so this is exact for every safe integer.
    return offset & this.#mask;
  }
}
