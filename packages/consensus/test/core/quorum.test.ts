import type { ProposalNumber } from '@mu-smr/log';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { majorityOf, quorumOffset } from '../../src/core/majority.ts';
import { nextProposal, REPLICAS_MAX } from '../../src/core/proposal-number.ts';

const all = (count: number): Uint8Array => new Uint8Array(count).fill(1);

// protocol.md, step 3: "a majority of completions decides it".
describe('quorumOffset', () => {
  it('is the highest offset that a majority has acknowledged', () => {
    expect(quorumOffset(Float64Array.of(192, 128, 64), all(3), 2)).toBe(128);
    expect(quorumOffset(Float64Array.of(192, 0, 0), all(3), 2)).toBe(0);
    expect(quorumOffset(Float64Array.of(64, 64, 64, 0, 0), all(5), 3)).toBe(64);
  });

  it('agrees with sorting, for any group', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1e6), { minLength: 1, maxLength: 9 }), (offsets) => {
        const majority = majorityOf(offsets.length);
        const sorted = [...offsets].sort((a, b) => b - a);
        const offset = quorumOffset(Float64Array.from(offsets), all(offsets.length), majority);
        expect(offset).toBe(sorted[majority - 1]);
      }),
    );
  });

  it('counts members only: what a learner or a removed replica holds decides nothing', () => {
    const acknowledged = Float64Array.of(192, 192, 192, 128);
    expect(quorumOffset(acknowledged, Uint8Array.of(1, 0, 0, 1), 2)).toBe(128);
    expect(quorumOffset(acknowledged, Uint8Array.of(1, 0, 0, 0), 2)).toBe(0);
  });
});

describe('majorityOf', () => {
  it('is such that any two majorities share a replica', () => {
    for (let n = 1; n <= REPLICAS_MAX; n++) expect(2 * majorityOf(n)).toBeGreaterThan(n);
  });
});

// I6: "proposal numbers are unique per replica", and never decrease.
describe('nextProposal', () => {
  it('is above everything seen, and no other replica can make the same', () => {
    fc.assert(
      fc.property(fc.nat(15), fc.nat(15), fc.nat(1e9), fc.nat(1e9), (a, b, seenA, seenB) => {
        const mine = nextProposal(a, seenA as ProposalNumber);
        const theirs = nextProposal(b, seenB as ProposalNumber);
        expect(mine).toBeGreaterThan(seenA);
        if (a !== b) expect(mine).not.toBe(theirs);
      }),
    );
  });

  it('refuses an id that could collide', () => {
    expect(() => nextProposal(REPLICAS_MAX, 0 as ProposalNumber)).toThrow(/out of range/);
  });
});
