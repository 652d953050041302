import type { LogOffset, ProposalNumber } from '@mu-smr/log';
import { describe, expect, it } from 'vitest';
import { releaseBound, waitedFor } from '../../src/core/recycle-bound.ts';
import { chooseValue, isDecided, type ObservedSlot } from '../../src/core/value-choice.ts';

const accepted = (proposal: number): ObservedSlot => ({
  kind: 'accepted',
  proposal: proposal as ProposalNumber,
});

// I5: "a leader whose majority shows a value at FUO proposes the one with the highest proposal number."
describe('chooseValue', () => {
  it('adopts the accepted value with the highest proposal', () => {
    expect(chooseValue([accepted(16), accepted(33), accepted(17)])).toBe(1);
    expect(chooseValue([{ kind: 'empty' }, accepted(1)])).toBe(1);
  });

  it('leaves the leader free when every slot is empty', () => {
    expect(chooseValue([{ kind: 'empty' }, { kind: 'empty' }])).toBeUndefined();
  });

  it('refuses to decide from an empty quorum', () => {
    expect(() => chooseValue([])).toThrow(/no slots/);
  });
});

// Paxos: what a majority accepted under one number is chosen, and a number has one value (I6).
describe('isDecided', () => {
  it('is what all that were read accepted under one number', () => {
    expect(isDecided([accepted(16), accepted(16)])).toBe(true);
  });

  it('is not what one of them lacks, or has under another number', () => {
    expect(isDecided([accepted(16), { kind: 'empty' }])).toBe(false);
    expect(isDecided([{ kind: 'empty' }, accepted(16)])).toBe(false);
    expect(isDecided([accepted(16), accepted(33)])).toBe(false);
  });
});

// I14: nothing is released that a live member still needs; L5: a dead minority never stops commits.
describe('releaseBound', () => {
  const member = (applied: number, keepsUp: boolean) => ({
    applied: applied as LogOffset,
    keepsUp,
  });
  const bound = (members: ReturnType<typeof member>[], released: number, tail: number): number =>
    releaseBound(members, released as LogOffset, tail as LogOffset, 1024);

  it('is the lowest offset applied by whoever keeps up', () => {
    expect(bound([member(512, true), member(256, true)], 0, 640)).toBe(256);
  });

  it('waits for a silent member until it would take half of the ring', () => {
    expect(bound([member(512, true), member(128, false)], 0, 640)).toBe(128);
    expect(bound([member(704, true), member(128, false)], 0, 704)).toBe(704);
  });

  it('never goes back, and waits for nobody whom the ring can no longer help', () => {
    expect(bound([member(512, true), member(64, true)], 256, 640)).toBe(512);
    expect(waitedFor(member(64, true), 256 as LogOffset, 640 as LogOffset, 1024)).toBe(false);
    expect(bound([], 256, 640)).toBe(256);
  });
});
