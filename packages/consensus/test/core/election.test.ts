import { describe, expect, it } from 'vitest';
import { FateSharing } from '../../src/core/fate-sharing.ts';
import { chooseLeader, type LeaderView } from '../../src/core/leader-choice.ts';
import { PullScore } from '../../src/core/pull-score.ts';
import { standsStill, suspects } from '../../src/core/suspicion.ts';

const OPTIONS = { cap: 15, failBelow: 2, recoverAbove: 6 };

// protocol.md: "Moved → score +1, not → −1; range 0..15; below 2 it is suspected; above 6 it is
// trusted again".
describe('PullScore', () => {
  function fallen(): PullScore {
    const score = new PullScore(OPTIONS, 0);
    score.pulled(1, 0);
    for (let n = 0; n < 20; n++) score.pulled(1, n);
    return score;
  }

  it('suspects a peer whose counter stands still, and not at once', () => {
    const score = new PullScore(OPTIONS, 0);
    score.pulled(1, 0);
    for (let n = 0; n < 13; n++) score.pulled(1, n);
    expect(score.alive).toBe(true);
    score.pulled(1, 14);
    expect(score.alive).toBe(false);
  });

  it('trusts it again only above the upper threshold', () => {
    const score = fallen();
    for (let n = 1; n <= 6; n++) score.pulled(1 + n, n);
    expect(score.alive).toBe(false);
    score.pulled(8, 8);
    expect(score.alive).toBe(true);
  });

  it('counts a pull that failed as not moved, and death at once', () => {
    const score = new PullScore(OPTIONS, 0);
    for (let n = 0; n < 14; n++) score.missed();
    expect(score.alive).toBe(false);
    const dead = new PullScore(OPTIONS, 0);
    dead.fell();
    expect(dead.alive).toBe(false);
  });

  it('refuses thresholds without a gap', () => {
    expect(() => new PullScore({ cap: 15, failBelow: 7, recoverAbove: 6 }, 0)).toThrow(/gap/);
  });
});

// docs/decisions/0004-verified-suspicion.md: act on T, t, Z, X; go on counting on R, S, D, up to a hard limit.
describe('suspects', () => {
  const options = { verify: true, hardLimitUs: 30_000 };
  function silentSince(us: number): PullScore {
    const score = new PullScore(OPTIONS, us);
    score.pulled(1, us);
    for (let n = 0; n < 20; n++) score.pulled(1, us);
    return score;
  }

  it('acts at once on a stopped or dead thread, and where nobody can be asked', () => {
    for (const state of ['stopped', 'dead', 'unknown'] as const)
      expect(suspects(silentSince(0), () => state, 100, options)).toBe(true);
  });

  it('gives a runnable thread time, up to the hard limit', () => {
    expect(suspects(silentSince(0), () => 'running', 29_000, options)).toBe(false);
    expect(suspects(silentSince(0), () => 'running', 30_001, options)).toBe(true);
  });

  it('does not ask about a peer whose score is good', () => {
    const ask = (): never => {
      throw new Error('asked');
    };
    expect(suspects(new PullScore(OPTIONS, 0), ask, 0, options)).toBe(false);
  });

  it('knows that a stopped leader stands still before its score falls, and nothing else', () => {
    const good = new PullScore(OPTIONS, 0);
    expect(standsStill(good, () => 'stopped', options)).toBe(true);
    expect(standsStill(good, () => 'stopped', { ...options, verify: false })).toBe(false);
    // Of a thread in another PID namespace nothing can be told: it must not lose its lead for that.
    for (const state of ['running', 'dead', 'unknown'] as const)
      expect(standsStill(good, () => state, options)).toBe(false);
  });
});

describe('chooseLeader', () => {
  const view = (more: Partial<LeaderView>): LeaderView => ({
    self: 1,
    eligible: true,
    trusted: [true, true, true],
    claims: [false, false, false],
    electable: [true, true, true],
    holder: undefined,
    holderOverdue: false,
    successor: undefined,
    ...more,
  });

  // protocol.md: "Leader = lowest id that is trusted."
  it('stands when nobody lower is trusted', () => {
    expect(chooseLeader(view({}))).toEqual({ kind: 'wait' });
    expect(chooseLeader(view({ trusted: [false, true, true] }))).toEqual({ kind: 'stand' });
    expect(chooseLeader(view({ self: 0 }))).toEqual({ kind: 'stand' });
  });

  // L4: "no leader change while the leader makes progress".
  it('stays with a holder that leads, although a lower id came back', () => {
    const leading = view({ self: 0, holder: 2, claims: [false, false, true] });
    expect(chooseLeader(leading)).toEqual({ kind: 'follow', leader: 2 });
  });

  it('lets a holder go that is suspected, or that never claims', () => {
    const dead = view({ self: 0, holder: 2, trusted: [true, true, false] });
    expect(chooseLeader(dead)).toEqual({ kind: 'stand' });
    expect(chooseLeader(view({ self: 0, holder: 2 }))).toEqual({ kind: 'follow', leader: 2 });
    expect(chooseLeader(view({ self: 0, holder: 2, holderOverdue: true }))).toEqual({
      kind: 'stand',
    });
  });

  it('lets a leader name its successor, and does not wait for one that cannot lead', () => {
    const named = { holder: 0, holderOverdue: true, electable: [false, true, true], successor: 2 };
    expect(chooseLeader(view(named))).toEqual({ kind: 'wait' });
    expect(chooseLeader(view({ ...named, self: 2 }))).toEqual({ kind: 'stand' });
    expect(chooseLeader(view({ ...named, trusted: [true, true, false] }))).toEqual({
      kind: 'stand',
    });
    expect(chooseLeader(view({ ...named, claims: [false, false, true], holder: 2 }))).toEqual({
      kind: 'follow',
      leader: 2,
    });
  });

  it('does not wait for a replica that cannot lead, and does not stand when it cannot', () => {
    expect(chooseLeader(view({ electable: [false, true, true] }))).toEqual({ kind: 'stand' });
    expect(chooseLeader(view({ self: 0, eligible: false }))).toEqual({ kind: 'wait' });
  });
});

// protocol.md: "the counter is not incremented while the replication plane is stuck."
describe('FateSharing', () => {
  it('holds the heartbeat back without progress, and asks for a sign of life before', () => {
    const fate = new FateSharing(1000);
    expect(fate.mayBeat(1, 0)).toBe(true);
    expect(fate.shouldAsk(200)).toBe(false);
    expect(fate.shouldAsk(300)).toBe(true);
    expect(fate.mayBeat(1, 1000)).toBe(true);
    expect(fate.mayBeat(1, 1001)).toBe(false);
    expect(fate.mayBeat(2, 1002)).toBe(true);
  });
});
