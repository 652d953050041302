import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { DEFAULT_TUNING } from '../../src/limits.ts';
import { FailoverMetrics } from '../../src/metrics/failover-metrics.ts';
import { Electorate } from '../../src/planes/electorate.ts';
import type { PeerMonitor } from '../../src/planes/peer-monitor.ts';
import { Double, Int, PlaneLink } from '../../src/planes/plane-link.ts';
import type { TimelineStep } from '../../src/replica-api.ts';

/** A peer at the moment at which it becomes suspect. */
function suspect(id: number): PeerMonitor {
  return { id, trusted: false, score: 0, judge: () => true } as unknown as PeerMonitor;
}

describe('a suspicion', () => {
  it('is what a take-over follows from only if it is that of the leader', () => {
    const link = new PlaneLink();
    const electorate = new Electorate(0, 3, link, DEFAULT_TUNING);
    link.setInt(Int.leader, 1);
    electorate.judge([suspect(2)], 100);
    expect(link.int(Int.suspicions)).toBe(1);
    expect(link.offset(Double.suspectedAtUs)).toBe(0);
    electorate.judge([suspect(1)], 200);
    expect(link.int(Int.suspicions)).toBe(2);
    expect([link.offset(Double.suspected), link.offset(Double.suspectedAtUs)]).toEqual([1, 200]);
  });

  it('is not that of the take-over after one that decided nothing', async () => {
    const registry = new Registry();
    const metrics = new FailoverMetrics(registry);
    const takeOver: TimelineStep[] = [
      { kind: 'requested', atUs: 110 },
      { kind: 'caughtUp', atUs: 120 },
    ];
    for (const step of [{ kind: 'suspected', replica: 1, atUs: 100 } as const, ...takeOver])
      metrics.observe(step);
    for (const step of takeOver) metrics.observe(step);
    const text = await registry.metrics();
    expect(text).toContain('mu_take_overs_total 2\n');
    expect(text).toContain('mu_failovers_total 1\n');
    expect(text).toContain('mu_failover_phase_seconds_count{phase="request"} 1\n');
  });
});
