import { BenchGroup } from '../../bench-group.ts';
import { pinnedLeader, undisturbed } from '../../propose-measurement.ts';
import type { WrapResult } from '../../wrap-loop.ts';
import type { Part, Section } from '../part.ts';
import { bytes, digits, duration } from '../units.ts';

const MEBIBYTE = 1024 * 1024;

/** Latency over several wraps of a small ring: recycling must not be seen. */
export function wrapsPart(plan: {
  readonly wraps: number;
  readonly ringBytes: number;
}): Part<WrapResult> {
  const geometry = {
    capacityBytes: plan.ringBytes,
    windowBytes: plan.ringBytes / 4,
    payloadBytesMax: plan.ringBytes / 16,
  };
  return {
    name: 'wraps',
    units: 1,
    secondsPerUnit: 4 + (plan.wraps * plan.ringBytes) / (100 * MEBIBYTE),
    measure(signal, done) {
      return undisturbed(
        () =>
          BenchGroup.with({ replicas: 3, geometry, signal }, async (group) => {
            const { leader } = await pinnedLeader(group);
            const wrapped = leader.next('wrapped');
            leader.send({ kind: 'wraps', wraps: plan.wraps, geometry });
            const { result } = await wrapped;
            done(`${plan.wraps} wraps of ${bytes(plan.ringBytes)}`);
            return result;
          }),
        signal,
      );
    },
    show,
  };
}

function show(result: WrapResult): Section {
  const { wraps, ringBytes, all, atWraps, outside, rawWriteNs, bins } = result;
  const first = bins[0].lap;
  const xs = bins.map(({ lap }) => lap - Math.floor(first));
  const ratio = all.p999 / outside.p99;
  const row = (name: string, of: typeof all): string[] => [
    name,
    ...[of.p50, of.p99, of.p999, of.max].map(duration),
  ];
  return {
    title: 'Around the ring',
    text: [
      `${wraps} wraps of a ring of ${bytes(ringBytes)}, proposals of 64 B one by one; each point sums up a fortieth of a lap, vertical lines are wraps. Zeroing goes on all the time, in the background and in small steps.`,
    ],
    checks: [
      {
        what: `No pause at a wrap: p99.9 of all, times p99 outside of wraps`,
        measured: `${digits(ratio)} (${duration(all.p999)} and ${duration(outside.p99)})`,
        limit: `raw p99 ${duration(rawWriteNs.p99)}`,
        goal: '≤ 3',
        met: ratio <= 3,
      },
    ],
    charts: [
      {
        title: 'Latency by place in the log',
        x: { label: 'laps' },
        y: { label: 'µs', log: true },
        marks: Array.from({ length: wraps + 1 }, (_, n) => n + 1),
        series: (['max', 'p99', 'p50'] as const).map((name, colour) => ({
          name,
          colour,
          points: bins.map((bin, n) => [xs[n], bin[name] / 1e3] as const),
        })),
      },
    ],
    tables: [
      {
        head: ['proposals', 'p50', 'p99', 'p99.9', 'max'],
        rows: [row('all', all), row('at wraps (1/64 of a lap around them)', atWraps), row('outside', outside)], // prettier-ignore
      },
    ],
  };
}
