import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Operation } from '../../src/chaos/history.ts';
import { findAnomaly } from '../../src/chaos/linearizability.ts';

function write(value: string, begin: number, end: number): Operation {
  return { kind: 'write', key: 'k', value, begin, end };
}

function read(value: string | undefined, begin: number, end: number): Operation {
  return { kind: 'read', key: 'k', value, begin, end };
}

/**
 * By the definition (Herlihy and Wing, 1990): some order of all operations that took effect keeps what
 * was over before another began, and has each read return the last write. Tries every order.
 */
function hasOrder(
  operations: readonly Operation[],
  value: string | undefined = undefined,
): boolean {
  if (operations.every(({ end }) => end === Infinity)) return true;
  const firstEnd = Math.min(...operations.map(({ end }) => end));
  return operations.some((next, index) => {
    if (next.begin > firstEnd) return false;
    if (next.kind === 'read' && next.value !== value) return false;
    const rest = operations.filter((_, other) => other !== index);
    return hasOrder(rest, next.kind === 'write' ? next.value : value);
  });
}

describe('findAnomaly', () => {
  it('accepts what one register could have answered', () => {
    expect(findAnomaly([])).toBeUndefined();
    expect(findAnomaly([read(undefined, 0, 1), write('a', 2, 3), read('a', 4, 5)])).toBeUndefined();
    // Concurrent: either order explains it.
    expect(findAnomaly([write('a', 0, 10), write('b', 0, 10), read('a', 11, 12)])).toBeUndefined();
    expect(
      findAnomaly([write('a', 0, 10), read(undefined, 1, 2), read('a', 3, 4)]),
    ).toBeUndefined();
  });

  it('rejects a read of what was overwritten', () => {
    const stale = [write('a', 0, 1), write('b', 2, 3), read('a', 4, 5)];
    expect(findAnomaly(stale)).toMatchObject({ problem: /sure to stand|around/ });
  });

  it('rejects an acknowledged write that is lost', () => {
    expect(findAnomaly([write('a', 0, 1), read(undefined, 2, 3)])).toBeDefined();
  });

  it('rejects a new value that is followed by the old one', () => {
    const back = [write('a', 0, 1), write('b', 2, 9), read('b', 3, 4), read('a', 5, 6)];
    expect(findAnomaly(back)).toBeDefined();
  });

  it('rejects what nobody wrote, or wrote later', () => {
    expect(findAnomaly([read('a', 0, 1)])).toMatchObject({ problem: 'read but never written' });
    expect(findAnomaly([read('a', 0, 1), write('a', 2, 3)])).toMatchObject({
      problem: 'read before it was written',
    });
  });

  it('lets a write of unknown outcome happen late, once, or never', () => {
    expect(findAnomaly([write('a', 0, Infinity), read(undefined, 1, 2)])).toBeUndefined();
    const late = [write('a', 0, Infinity), read(undefined, 1, 2), read('a', 9, 10)];
    expect(findAnomaly(late)).toBeUndefined();
    expect(findAnomaly([...late, read(undefined, 11, 12)])).toBeDefined();
  });

  // "With a checker that decides, not a heuristic": on small histories it says what the definition says.
  it('agrees with the definition on every small history', () => {
    const times = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), {
      minLength: 14,
      maxLength: 14,
    });
    const shapes = fc.array(
      fc.record({ writes: fc.boolean(), reads: fc.nat(3), unknown: fc.nat(5) }),
      { minLength: 1, maxLength: 7 },
    );
    let rejected = 0;
    const holds = fc.property(times, shapes, (all, kinds) => {
      let values = 0;
      const operations = kinds.map(({ writes, reads, unknown }, index): Operation => {
        const [begin, end] = [all[2 * index], all[2 * index + 1]].sort((a, b) => a - b);
        if (writes) return write(`${++values}`, begin, unknown === 0 ? Infinity : end);
        return read(reads === 0 ? undefined : `${reads}`, begin, end);
      });
      const possible = hasOrder(operations);
      if (!possible) rejected++;
      expect(findAnomaly(operations) === undefined).toBe(possible);
    });
    fc.assert(holds, { numRuns: 3000 });
    expect(rejected).toBeGreaterThan(300);
  });
});
