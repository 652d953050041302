import { describe, expect, it } from 'vitest';
import { failuresBorne, judgeRemoval } from '../src/members/judge-removal.ts';

const careful = { force: false, leads: false };
const forced = { force: true, leads: false };
const refusal = (code: string): unknown => expect.objectContaining({ code });

describe('failuresBorne', () => {
  it.each([
    [3, 3, 1],
    [4, 4, 1],
    [5, 5, 2],
    [3, 2, 0],
    [3, 1, -1],
    [2, 2, 0],
    [1, 1, 0],
  ])('of %i members, %i live, bears %i', (members, live, borne) => {
    const ids = [...Array(members).keys()];
    expect(failuresBorne({ members: ids, live: ids.slice(0, live) })).toBe(borne);
  });
});

describe('judgeRemoval', () => {
  it('lets a live member go where the rest still bears a failure', () => {
    judgeRemoval({ members: [0, 1, 2, 3], live: [0, 1, 2, 3] }, 1, careful);
  });

  it('lets a dead member go, for nothing is lost', () => {
    judgeRemoval({ members: [0, 1, 2], live: [0, 1] }, 2, careful);
  });

  it('asks for force where no failure would be borne any more, or one alone would be left', () => {
    const three = { members: [0, 1, 2], live: [0, 1, 2] };
    expect(() => judgeRemoval(three, 2, careful)).toThrow(refusal('LESS_SAFE'));
    judgeRemoval(three, 2, forced);
    const two = { members: [0, 1], live: [0, 1] };
    expect(() => judgeRemoval(two, 1, careful)).toThrow(refusal('LESS_SAFE'));
    judgeRemoval(two, 1, forced);
  });

  it('refuses, forced or not, what leaves no majority', () => {
    const wounded = { members: [0, 1, 2], live: [0, 1] };
    expect(() => judgeRemoval(wounded, 1, forced)).toThrow(refusal('NO_MAJORITY'));
    // A leader has gone when its removal is decided: both of two are needed for that.
    const two = { members: [0, 1], live: [0, 1] };
    expect(() => judgeRemoval(two, 0, { force: true, leads: true })).toThrow(
      refusal('NO_MAJORITY'),
    );
    expect(() => judgeRemoval({ members: [0], live: [0] }, 0, forced)).toThrow();
  });
});
