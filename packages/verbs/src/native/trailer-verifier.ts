import { trailerMatches } from '../integrity.ts';
import { bindingProblem, loadBinding } from './load.ts';

/**
 * Checks the integrity trailers of many writes in one memory with one call: in hardware where the
 * native addon is there, in JavaScript elsewhere.
 */
export class TrailerVerifier {
  /** Where to look: first byte and end of each range, in pairs; filled by the caller. */
  readonly ranges: Uint32Array;
  /**
   * Of the first `count` ranges, how many carry the trailer that `sealTrailer` would store, up to
   * the first that does not.
   */
  readonly verify: (count: number) => number;

  constructor(bytes: Uint8Array, rangesMax: number) {
    this.ranges = new Uint32Array(2 * rangesMax);
    this.verify =
      bindingProblem() === undefined
        ? loadBinding().createTrailerVerifier(bytes, this.ranges)
        : (count) => verifyInJavaScript(bytes, this.ranges, count);
  }
}

function verifyInJavaScript(bytes: Uint8Array, ranges: Uint32Array, count: number): number {
  for (let n = 0; n < count; n++)
    if (!trailerMatches(bytes, ranges[2 * n], ranges[2 * n + 1])) return n;
  return count;
}
