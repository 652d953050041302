import { TrailerVerifier } from '@mu-smr/verbs';
import { CircularArea } from './circular-area.ts';
import { EntryView } from './entry-view.ts';
import type { GroupNonce } from './entry-writer.ts';
import type { LogGeometry } from './layout.ts';
import { advance, LOG_BEGIN, type LogOffset } from './offset.ts';

/** Entries whose checksums are verified in one call. */
const VERIFIED_AT_ONCE = 64;

/**
 * Whole entries that stand one after the other, up to 64 of them, and what they tell together. One run
 * is moved along the log, so reading allocates nothing.
 */
export class EntryRun {
  /** How many there are. */
  count = 0;
  /** Where the next entry would stand. */
  end = LOG_BEGIN;
  /** Everything below is decided, by the word of the last of them. */
  firstUndecided = LOG_BEGIN;
  /** Everything below may be zeroed, by the word of the last of them. */
  release = LOG_BEGIN;
  readonly #view: EntryView;
  readonly #verifier: TrailerVerifier;
  readonly #area: CircularArea;

  /** `log` is a whole log region; it must begin at a multiple of 8. */
  constructor(log: Uint8Array, geometry: LogGeometry, nonce: GroupNonce) {
    this.#view = new EntryView(log, nonce);
    this.#verifier = new TrailerVerifier(log, VERIFIED_AT_ONCE);
    this.#area = new CircularArea(geometry);
  }

  /** Reads what stands from `offset` on; whether that is an entry at all. */
  read(offset: LogOffset): boolean {
    const view = this.#view;
    const verifier = this.#verifier;
    const position = this.#area.position(offset);
    const count = view.wholeEntries(verifier, offset, position, this.#area.untilEnd(offset));
    this.count = count;
    if (count === 0) {
      this.end = offset;
      this.firstUndecided = LOG_BEGIN;
      this.release = LOG_BEGIN;
      return false;
    }
    const last = 2 * (count - 1);
    // A leader's word only grows; where another's stands last that says less, less is true, too.
    view.moveTo(verifier.ranges[last]);
    this.firstUndecided = view.firstUndecided;
    this.release = view.release;
    this.end = advance(offset, verifier.ranges[last + 1] - position);
    return true;
  }
}
