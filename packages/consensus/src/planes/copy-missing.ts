import { advance, type EntryView, type LogOffset } from '@mu-smr/log';
import type { Lane } from './lane.ts';
import type { LogAccess } from './log-access.ts';

/**
 * Copies a stretch of our log to a follower, but for the entries that it has.
 *
 * It may have them under another proposal number, so with other bytes, and be one of the few that
 * make a value decided: overwriting such a copy, and being cut off, would lose it. (The adoption of
 * an undecided value has no choice, and saves the old bytes first.)
 */

/** Posts the read of what the follower has from `from`: as much as fits its staging area. */
export function readStretch(
  access: LogAccess,
  lane: Lane,
  from: LogOffset,
  to: LogOffset,
  purpose?: number,
): void {
  const length = Math.min(to - from, access.area.untilEnd(from), access.layout.slotBytes);
  access.read(lane, access.area.position(from), length, access.layout.slotAt(lane.to), purpose);
}

/** Where a copy got to, and how many writes it posted. */
export interface Copied {
  readonly upTo: LogOffset;
  readonly writes: number;
}

/**
 * When that read has completed: posts writes of the entries that the follower has not. What did not
 * fit, or was read in part, is left for the next stretch.
 */
export function writeMissing(
  access: LogAccess,
  lane: Lane,
  from: LogOffset,
  to: LogOffset,
  purpose?: number,
): Copied {
  const length = Math.min(to - from, access.area.untilEnd(from), access.layout.slotBytes);
  const read = access.layout.slotAt(lane.to);
  const stop = advance(from, length);
  const theirs = (at: LogOffset): EntryView => access.viewAt(read + (at - from));
  const runs = missingRuns(
    from,
    stop,
    (at) => access.ownViewAt(at),
    (at) => theirs(at).accepted(at, stop - at) && sameValue(access.ownViewAt(at), theirs(at)),
  );
  for (const [begin, end] of runs.missing) access.copyOwn(lane, begin, end, purpose);
  return { upTo: runs.upTo, writes: runs.missing.length };
}

/** Most writes of one stretch: far below the depth of a queue. */
const RUNS_MAX = 64;

/** Runs of entries in `[from, stop)` for which `has` is false, and where the last whole entry ends. */
export function missingRuns(
  from: LogOffset,
  stop: LogOffset,
  entryAt: (at: LogOffset) => EntryView,
  has: (at: LogOffset) => boolean,
): { readonly missing: [LogOffset, LogOffset][]; readonly upTo: LogOffset } {
  const missing: [LogOffset, LogOffset][] = [];
  let at = from;
  while (at < stop) {
    const end = advance(at, entryAt(at).totalBytes);
    if (end > stop) break;
    const last = missing.at(-1);
    if (!has(at)) {
      if (last?.[1] === at) last[1] = end;
      else if (missing.length < RUNS_MAX) missing.push([at, end]);
      else break;
    }
    at = end;
  }
  return { missing, upTo: at };
}

/** Whether two entries carry the same value, whoever proposed it last. */
export function sameValue(a: EntryView, b: EntryView): boolean {
  if (a.kindAndCount !== b.kindAndCount || a.payloadLength !== b.payloadLength) return false;
  const mine = a.payload();
  const other = b.payload();
  for (let at = 0; at < mine.length; at++) if (mine[at] !== other[at]) return false;
  return true;
}
