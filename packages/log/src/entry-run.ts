import { FOUND_WORDS, RecordWalker, type RecordFormat } from '@mu-smr/verbs';
import { CircularArea } from './circular-area.ts';
import { EntryView } from './entry-view.ts';
import type { GroupNonce } from './entry-writer.ts';
import { Entry, ENTRY_ALIGNMENT, entryBytes, EntryKind, type LogGeometry } from './layout.ts';
import { advance, LOG_BEGIN, type LogOffset } from './offset.ts';

/** Entries that are found in one call. */
const ENTRIES_MAX = 64;

/** What the verbs package must know of entries to find them. */
function entryFormat(nonce: GroupNonce): RecordFormat {
  return {
    alignment: ENTRY_ALIGNMENT,
    headerBytes: Entry.payload,
    payloadLengthAt: Entry.payloadLength,
    kindAt: Entry.kindAndCount,
    kindMax: EntryKind.check,
    offsetAt: Entry.offset,
    nonceAt: Entry.groupNonce,
    nonce,
  };
}

/**
 * Entries that stand one after the other, up to 64 of them, and what they tell together. One run is
 * moved along the log: an entry costs no allocation.
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
  readonly #walker: RecordWalker;
  readonly #found: Uint32Array;
  readonly #area: CircularArea;

  /**
   * `log` is a whole log region; it must begin at a multiple of 8. With `check` as `trailer` a run is of
   * whole entries; with `header`, of entries that were found whole before, and are decided: they cannot
   * have changed since, and only what they say of themselves is read.
   */
  constructor(
    log: Uint8Array,
    geometry: LogGeometry,
    nonce: GroupNonce,
    check: 'trailer' | 'header' = 'trailer',
  ) {
    this.#view = new EntryView(log, nonce);
    this.#walker = new RecordWalker(log, entryFormat(nonce), ENTRIES_MAX, check);
    this.#found = this.#walker.found;
    this.#area = new CircularArea(geometry);
  }

  /** Reads what stands from `offset` on, below `limit` and the end of the area; whether that is an entry at all. */
  read(offset: LogOffset, limit = Infinity): boolean {
    const position = this.#area.position(offset);
    const bytes = Math.min(this.#area.untilEnd(offset), limit - offset);
    const count = this.#walker.walk(offset, position, bytes);
    this.count = count;
    if (count === 0) {
      this.end = offset;
      this.firstUndecided = LOG_BEGIN;
      this.release = LOG_BEGIN;
      return false;
    }
    // A leader's word only grows; where another's stands last that says less, less is true, too.
    const at = this.#found[FOUND_WORDS * (count - 1)];
    const last = this.#view.moveTo(at);
    this.firstUndecided = last.firstUndecided;
    this.release = last.release;
    this.end = advance(offset, at - position + this.totalBytes(count - 1));
    return true;
  }

  /** Bytes from the `n`th entry to the next. */
  totalBytes(n: number): number {
    return entryBytes(this.payloadLength(n));
  }

  /** First byte of the `n`th entry's payload in the log region. */
  payloadAt(n: number): number {
    return this.#found[FOUND_WORDS * n] + Entry.payload;
  }

  payloadLength(n: number): number {
    return this.#found[FOUND_WORDS * n + 1];
  }

  kind(n: number): number {
    return this.#found[FOUND_WORDS * n + 2] & 0xff;
  }

  /** How many commands the `n`th entry carries. */
  commands(n: number): number {
    return this.#found[FOUND_WORDS * n + 2] >>> 8;
  }
}
