import { describe, expect, it } from 'vitest';
import { DEFAULT_TUNING } from '../../src/limits.ts';
import { Electorate } from '../../src/planes/electorate.ts';
import type { PeerMonitor } from '../../src/planes/peer-monitor.ts';
import { Double, Int, PlaneLink } from '../../src/planes/plane-link.ts';

const KEPT = 6272;

function peer(id: number, trusted: boolean, known: number, servable = false): PeerMonitor {
  return { id, trusted, servable, status: { known } } as unknown as PeerMonitor;
}

// Seed 77724, with a leader's own log posted to last: the lower id stood every 14 µs for ever, for a dead
// replica that had known enough, and the follower that lived was behind its ring.
describe('a candidate whose ring begins above what others know', () => {
  const link = new PlaneLink();
  const electorate = new Electorate(0, 3, link, DEFAULT_TUNING);
  for (const id of [0, 1, 2]) link.setInt(Int.voter, 1, id);
  link.setInt(Int.majority, 2);
  link.setOffset(Double.releasable, KEPT);
  const behind = peer(1, true, KEPT - 1);

  it('stands while one that is not trusted may well grant and be served', () => {
    link.setInt(Int.unserved, 0);
    expect(electorate.isEligible([behind, peer(2, false, KEPT)])).toBe(true);
    expect(electorate.isEligible([behind, peer(2, false, KEPT - 1)])).toBe(false);
  });

  // Between two pulls what is released moves on: a successor that was named looked unable to lead.
  it('stands for one that it could serve when it was pulled last, as long as that is pulled', () => {
    link.setInt(Int.unserved, 0);
    expect(electorate.isEligible([behind, peer(2, true, KEPT - 1, true)])).toBe(true);
    expect(electorate.isEligible([behind, peer(2, false, KEPT - 1, true)])).toBe(false);
  });

  it('gives way once that did not help, until one is trusted that it can serve', () => {
    link.setInt(Int.unserved, 1);
    expect(electorate.isEligible([behind, peer(2, false, KEPT)])).toBe(false);
    expect(electorate.isEligible([behind, peer(2, true, KEPT)])).toBe(true);
    expect(electorate.isEligible([peer(1, true, KEPT), peer(2, false, KEPT)])).toBe(true);
  });
});
