import { LOG_BEGIN, type LogGeometry, type LogOffset } from '@mu-smr/log';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PeerMonitor } from '../../src/planes/peer-monitor.ts';
import { Double, Int, PlaneLink } from '../../src/planes/plane-link.ts';
import { Recycling } from '../../src/planes/recycling.ts';
import { NoClaim } from '../../src/planes/scratchpad.ts';

const geometry: LogGeometry = {
  capacityBytes: 64 * 1024,
  payloadBytesMax: 1024,
  windowBytes: 8 * 1024,
};

/** A replica without a log, alive, that has applied so much of the state it once had. */
function closed(id: number, applied: number): PeerMonitor {
  const status = { applied: applied as LogOffset, head: LOG_BEGIN, claim: NoClaim.closed };
  return { id, status, begun: false, keepsUp: () => true } as unknown as PeerMonitor;
}

describe('on a leader that has applied all it wrote', () => {
  const link = new PlaneLink();
  let recycling: Recycling;

  beforeEach(() => {
    recycling = new Recycling(link, new Uint8Array(128 * 1024), geometry);
    link.setInt(Int.leading, 1);
    link.setOffset(Double.release, LOG_BEGIN);
    for (const field of [Double.applied, Double.tail]) link.setOffset(field, LOG_BEGIN + 1024);
  });

  it('I14: nothing is released that a live member still needs without a snapshot, one that founds the group a moment later included', () => {
    recycling.step([closed(1, LOG_BEGIN)], 0);
    expect(link.offset(Double.release)).toBe(LOG_BEGIN);
    expect(link.int(Int.waitedFor, 1)).toBe(1);
  });

  it('nobody waits for one that misses what was released, and gets its state from another', () => {
    link.setOffset(Double.release, LOG_BEGIN + 512);
    recycling.step([closed(1, LOG_BEGIN)], 0);
    expect(link.offset(Double.release)).toBe(LOG_BEGIN + 1024);
    expect(link.int(Int.waitedFor, 1)).toBe(0);
  });
});
