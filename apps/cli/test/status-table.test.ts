import { describe, expect, it } from 'vitest';
import { statusTable, type MemberStatus } from '../src/group/group-status.ts';

/** A member whose replica follows, and has found so many digests to differ. */
function member(id: number, divergences: number): MemberStatus {
  const status = {
    ...{
      role: 'follower',
      phase: 'running',
      votes: true,
      applied: 64,
      tail: 64,
      confirmedFollowers: [],
      scheduling: 'normal',
    },
    counters: { suspicions: 0, divergences },
  };
  const answer = { status, timeline: [] } as unknown as MemberStatus['answer'];
  return { id, client: '127.0.0.1:1', pid: 1, process: 'running', answer };
}

describe('the table of mu status', () => {
  it('marks a replica whose state is not that of its leader, and no other', () => {
    const [, ...rows] = statusTable([member(0, 0), member(1, 2)]).split('\n');
    expect(rows[0]).not.toContain('DIVERGED');
    expect(rows[1]).toContain('follower, DIVERGED');
  });
});
