import { strict as assert } from 'node:assert';
import type { Operation } from './history.ts';

/** Why a history is not linearizable. */
export interface Anomaly {
  readonly problem: string;
  readonly values: readonly (string | undefined)[];
}

/** The write of one value and all reads of it: in any order that explains the history they are together. */
interface Zone {
  readonly value: string | undefined;
  /** When the first of them ended, and when the last of them began. */
  readonly firstEnd: number;
  readonly lastBegin: number;
}

/**
 * Decides whether the operations on one register, each value written at most once, are linearizable:
 * not a search that may give up, but the theorem of Gibbons and Korach ("Testing shared memories",
 * 1997), in the time that sorting takes.
 *
 * The operations of one value stand together in any order that explains the history. If the first of
 * them ends before the last begins, the register surely holds the value from the one to the other: a
 * forward zone. Else all of them overlap, in a backward zone, and one moment of it is enough. A history
 * is linearizable exactly when nothing is read before it is written, no two forward zones overlap, and
 * no backward zone lies within a forward one. Returns what is wrong, or `undefined`.
 */
export function findAnomaly(operations: readonly Operation[]): Anomaly | undefined {
  const zones: Zone[] = [];
  for (const [value, cluster] of clusters(operations)) {
    const write = cluster.find(({ kind }) => kind === 'write');
    const reads = cluster.filter(({ kind }) => kind === 'read');
    if (write === undefined) return { problem: 'read but never written', values: [value] };
    if (reads.some(({ end }) => end < write.begin))
      return { problem: 'read before it was written', values: [value] };
    // A write of unknown outcome that nobody has read may as well not have happened.
    if (write.end === Infinity && reads.length === 0) continue;
    const firstEnd = Math.min(...cluster.map(({ end }) => end));
    const lastBegin = Math.max(...cluster.map(({ begin }) => begin));
    zones.push({ value, firstEnd, lastBegin });
  }
  return overlap(zones);
}

/** The operations of each value; the initial one was written before everything else. */
function clusters(operations: readonly Operation[]): Map<string | undefined, Operation[]> {
  const initial: Operation = {
    kind: 'write',
    key: '',
    value: undefined,
    begin: -Infinity,
    end: -Infinity,
  };
  const byValue = new Map<string | undefined, Operation[]>([[undefined, [initial]]]);
  for (const operation of operations) {
    const cluster = byValue.get(operation.value);
    if (cluster === undefined) byValue.set(operation.value, [operation]);
    else {
      const again = operation.kind === 'write' && cluster.some(({ kind }) => kind === 'write');
      assert(!again, `${operation.value} was written twice: the theorem needs values to be unique`);
      cluster.push(operation);
    }
  }
  return byValue;
}

function overlap(zones: readonly Zone[]): Anomaly | undefined {
  const forward = zones
    .filter(({ firstEnd, lastBegin }) => firstEnd < lastBegin)
    .sort((a, b) => a.firstEnd - b.firstEnd);
  for (const [index, zone] of forward.entries()) {
    const next = forward[index + 1];
    if (next !== undefined && next.firstEnd < zone.lastBegin)
      return { problem: 'each is read around the other', values: [zone.value, next.value] };
  }
  for (const { value, firstEnd, lastBegin } of zones) {
    if (firstEnd < lastBegin) continue;
    // Forward zones do not overlap, so only the last that begins before this one can hold it.
    const around = lastBefore(forward, lastBegin);
    if (around !== undefined && firstEnd < around.lastBegin)
      return {
        problem: 'one is written while the other is sure to stand',
        values: [value, around.value],
      };
  }
  return undefined;
}

/** The last forward zone that begins before a time, by halving. */
function lastBefore(forward: readonly Zone[], time: number): Zone | undefined {
  let low = 0;
  let high = forward.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (forward[middle].firstEnd < time) low = middle + 1;
    else high = middle;
  }
  return forward[low - 1];
}
