import { describe, expect, it } from 'vitest';
import { Random } from '../../src/providers/sim/random.ts';

describe('Random', () => {
  it('gives the same numbers for the same seed, and others for another', () => {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 20 }, () => random.next());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(new Set(draw(0)).size).toBe(20);
  });

  it('stays inside its ranges and reaches both ends', () => {
    const random = new Random(3);
    const seen = new Set<number>();
    for (let n = 0; n < 1000; n++) {
      seen.add(random.between(5, 9));
      const fraction = random.fraction();
      expect(fraction >= 0 && fraction < 1).toBe(true);
      expect(random.next() >>> 0).toBeLessThan(2 ** 32);
    }
    expect([...seen].sort()).toEqual([5, 6, 7, 8, 9]);
  });

  it('spreads evenly', () => {
    const random = new Random(11);
    const buckets = new Array<number>(16).fill(0);
    for (let n = 0; n < 160_000; n++) buckets[random.below(16)]++;
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    let heads = 0;
    for (let n = 0; n < 10_000; n++) if (random.chance(0.1)) heads++;
    expect(Math.abs(heads - 1_000)).toBeLessThan(150);
  });
});
