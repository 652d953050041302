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
  /** Everything below is decided, by the word of one of them. */
  firstUndecided = LOG_BEGIN;
  /** Everything below may be zeroed, by the word of one of them. */
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
    const position = this.#area.position(offset);
    const limit = this.#area.untilEnd(offset);
    const count = view.wholeEntries(this.#verifier, offset, position, limit);
    let walked = 0;
    let decided = LOG_BEGIN;
    let release = LOG_BEGIN;
    for (let n = 0; n < count; n++) {
      view.moveTo(position + walked);
      if (view.firstUndecided > decided) decided = view.firstUndecided;
      if (view.release > release) release = view.release;
      walked += view.totalBytes;
    }
    this.count = count;
    this.end = advance(offset, walked);
    this.firstUndecided = decided;
    this.release = release;
    return count > 0;
  }
}
