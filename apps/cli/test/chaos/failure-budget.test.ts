import type { ReplicaStatus } from '@mu-smr/consensus';
import { describe, expect, it } from 'vitest';
import { canLose, type GroupAtWork } from '../../src/chaos/failure-budget.ts';

interface Told {
  readonly members?: readonly number[];
  readonly votes?: boolean;
  readonly phase?: 'joining' | 'catchingUp' | 'running';
  readonly released?: number;
  readonly firstUndecided?: number;
}

/** A group of the founders 0, 1 and 2, of which all that are named run and say what is given. */
function group(
  told: Readonly<Record<number, Told>>,
  changes: Partial<GroupAtWork> = {},
): GroupAtWork {
  const running = Object.keys(told).map(Number);
  const statuses = running.map((id) => {
    const own = { members: [0, 1, 2], votes: true, phase: 'running', ...told[id] };
    return { released: 0, firstUndecided: 0, ...own, id } as unknown as ReplicaStatus;
  });
  const possible = [...new Set([0, 1, 2, ...running])];
  return { statuses, running, possible, leaving: new Set(), ...changes };
}

const all = { 0: {}, 1: {}, 2: {} };

describe('a replica under chaos is killed only where', () => {
  it('a majority of the members is left', () => {
    expect(canLose(2, group(all))).toBe(true);
    expect(canLose(2, group({ 0: {}, 2: {} }))).toBe(false);
    expect(canLose(2, group({ 0: {}, 1: { votes: false }, 2: {} }))).toBe(false);
  });

  it('everybody who votes knows the same members', () => {
    expect(canLose(2, group({ ...all, 2: { members: [0, 1] } }))).toBe(false);
    expect(canLose(2, group({ ...all, 2: { members: [0, 1], votes: false } }))).toBe(true);
  });

  it('the majority outlives a removal that is under way', () => {
    expect(canLose(2, group(all, { leaving: new Set([1]) }))).toBe(false);
    expect(canLose(1, group(all, { leaving: new Set([1]) }))).toBe(true);
  });

  it('the majority is one also with a member that was to be added and is dead', () => {
    const learner = { 3: { votes: false } };
    expect(canLose(2, group({ ...all, ...learner }))).toBe(true);
    expect(canLose(3, group({ ...all, ...learner }))).toBe(true);
    expect(canLose(3, group({ 0: {}, 1: {}, ...learner }))).toBe(false);
    expect(canLose(2, group(all, { possible: [0, 1, 2, 3] }))).toBe(false);
  });

  it('the others hold what no ring does any more', () => {
    expect(canLose(2, group({ ...all, 1: { phase: 'catchingUp' } }))).toBe(false);
    expect(canLose(2, group({ ...all, 0: { released: 64, firstUndecided: 64 } }))).toBe(false);
  });
});
