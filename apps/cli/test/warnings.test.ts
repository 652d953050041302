import type { ReplicaStatus } from '@mu-smr/consensus';
import { describe, expect, it } from 'vitest';
import type { MemberStatus } from '../src/group/group-status.ts';
import { warningsOf } from '../src/members/warnings.ts';

/** Replicas of a group with these members, of which these answer; the first that does leads. */
function group(members: readonly number[], live: readonly number[]): MemberStatus[] {
  return members.map((id) => {
    const role = id === live[0] ? 'leader' : 'follower';
    const status = { id, role, votes: true, members } as unknown as ReplicaStatus;
    const answer = live.includes(id) ? { status, timeline: [] } : undefined;
    return { id, client: '', pid: 1, process: 'running', answer };
  });
}

describe('the warnings of mu status', () => {
  it('are none where a failure is borne, by an odd number of members', () => {
    expect(warningsOf(group([0, 1, 2], [0, 1, 2]))).toEqual([]);
    expect(warningsOf(group([0, 1, 2, 3, 4], [1, 2, 3, 4]))).toEqual([]);
    expect(warningsOf(group([0], [0]))).toEqual([]);
  });

  it('tell when the next failure stops the group, and when it stands still', () => {
    expect(warningsOf(group([0, 1, 2], [1, 2]))).toEqual([
      '2 of 3 members run and vote: the next failure stops the group',
    ]);
    expect(warningsOf(group([0, 1, 2], [2]))).toEqual([
      '1 of 3 members run and vote: no majority, so nothing is decided; bring the others back',
    ]);
  });

  it('tell of an even number of members', () => {
    expect(warningsOf(group([0, 1, 2, 3], [0, 1, 2, 3]))).toEqual([
      'an even number of members, 4, bears no more failures than 3: add or remove one',
    ]);
  });
});
