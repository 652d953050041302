import { advance, type EntryView, type LogOffset } from '@mu-smr/log';
import { missingRuns, sameValue } from './copy-missing.ts';
import type { Lane } from './lane.ts';
import { EpochEnded, type Waiting } from './round.ts';
import type { TakeOverContext } from './take-over-context.ts';

/** Copies what is decided and missing here from the most advanced confirmed follower. */
export function* catchUp(context: TakeOverContext): Waiting<void> {
  const { fastPath, self, granted, known } = context;
  let best: Lane | undefined;
  for (const lane of fastPath.active) {
    if (lane.to === self) continue;
    const theirs = granted(lane.to);
    const most = best === undefined ? { known: known(), head: Infinity } : granted(best.to);
    // Of those that know most, the one with the longest history.
    const longer = best !== undefined && theirs.known === most.known && theirs.head < most.head;
    if (theirs.known > most.known || longer) best = lane;
  }
  if (best === undefined) return;

  const { known: target, head } = granted(best.to);
  if (known() < head) {
    context.strayed();
    throw new EpochEnded(`our log ends at ${known()}, replica ${best.to} begins at ${head}`);
  }
  while (known() < target) yield* copyChunk(context, best, target);
}

/** Reads one stretch of decided entries from `best` and writes the whole ones to our own log. */
function* copyChunk(context: TakeOverContext, best: Lane, target: LogOffset): Waiting<void> {
  const { access, fastPath, rounds, self } = context;
  const begin = context.known();
  const length = Math.min(target - begin, access.area.untilEnd(begin), access.layout.slotBytes);
  const into = access.layout.slotAt(self);
  const position = access.area.position(begin);
  access.read(best, position, length, into);
  yield* rounds.settle();
  if (!fastPath.active.includes(best)) throw new EpochEnded('the most advanced follower is gone');

  const first = access.viewAt(into);
  if (!first.accepted(begin, length))
    throw new EpochEnded(`replica ${best.to} has no whole entry at ${begin}`);
  // Whoever wrote this entry had room for it, so its release is what our own ring must learn.
  context.learnt(begin, first.release);

  const free = context.ownHead() + access.area.capacityBytes - begin;
  let whole = 0;
  for (;;) {
    const view = access.viewAt(into + whole);
    if (whole === length || !view.accepted(advance(begin, whole), length - whole)) break;
    if (whole + view.totalBytes > free) break;
    whole += view.totalBytes;
  }
  if (whole === 0) {
    // Our own ring is full of what we have not zeroed yet: that goes on meanwhile.
    yield;
    return;
  }
  const own = fastPath.active.find((lane) => lane.to === self);
  if (own === undefined) throw new EpochEnded('our own log is not ours to write');
  const stop = advance(begin, whole);
  const theirs = (at: LogOffset): EntryView => access.viewAt(into + (at - begin));
  const { missing, upTo } = missingRuns(begin, stop, theirs, (at) => {
    const mine = access.ownViewAt(at);
    return mine.accepted(at, access.area.untilEnd(at)) && sameValue(mine, theirs(at));
  });
  for (const [from, to] of missing)
    access.write(own, into + (from - begin), to - from, access.area.position(from));
  yield* rounds.settle();
  context.learnt(upTo, context.release());
}
