import type { Percentiles, Tail } from '../../latency.ts';
import { measureProposing } from '../../propose-measurement.ts';
import type { Chart, Part, Section, Series } from '../part.ts';
import { digits, duration } from '../units.ts';

interface Point {
  readonly outstanding: number;
  readonly batch: number;
  readonly opsPerSecond: number;
  readonly latencyNs: Tail;
  /** Per command. */
  readonly rawMeanNs: number;
  readonly rawWriteNs: Percentiles;
}

const PAYLOAD_BYTES = 64;
const GOAL_PER_SECOND = 5e6;

/** Throughput against latency: commands in an entry × entries in flight. */
export function throughputPart(plan: {
  readonly batches: readonly number[];
  readonly outstanding: readonly number[];
  readonly count: number;
}): Part<readonly Point[]> {
  const plans = plan.outstanding.flatMap((outstanding) =>
    plan.batches.map((batch) => ({
      payloadBytes: PAYLOAD_BYTES,
      // As many entries at most as take about as long as a single command.
      count: plan.count * Math.min(batch, 8),
      ...{ outstanding, batch },
    })),
  );
  return {
    name: 'throughput',
    units: plans.length,
    secondsPerUnit: 0.3 + plan.count / 30_000,
    async measure(signal, done) {
      const results = await measureProposing({ replicas: 3, signal }, plans, (one) =>
        done(`${one.outstanding} outstanding, ${one.batch} per entry`),
      );
      return results.map(({ opsPerSecond, latencyNs, rawMeanNs, rawWriteNs }, n) => ({
        ...{ outstanding: plans[n].outstanding, batch: plans[n].batch },
        ...{ opsPerSecond, latencyNs, rawMeanNs, rawWriteNs },
      }));
    },
    show,
  };
}

function show(points: readonly Point[]): Section {
  const last = points[points.length - 1];
  const windows = [...new Set(points.map(({ outstanding }) => outstanding))];
  const of = (window: number): Point[] => points.filter((one) => one.outstanding === window);
  return {
    title: 'Throughput against latency',
    text: [
      'Three replicas, commands of 64 B, so many in an entry and so many entries in flight. The limit is the C++ loop that writes entries of the same length to the same peers, one round after the other. Latency is that of an entry, from the post until it is applied at the leader.',
    ],
    checks: [
      {
        what: `${last.outstanding} outstanding × ${last.batch} per entry: commands per second`,
        measured: millions(last.opsPerSecond),
        limit: `raw ${millions(1e9 / last.rawMeanNs)}`,
        goal: '≥ 5 million',
        met: last.opsPerSecond >= GOAL_PER_SECOND,
      },
    ],
    charts: [
      chart(
        'Latency by throughput',
        { label: 'million commands per second', log: true },
        { label: 'p50 in µs', log: true },
        windows.map((window, colour) => ({
          ...{ name: `${window} outstanding`, colour },
          points: of(window)
            .map((point) => [point.opsPerSecond / 1e6, point.latencyNs.p50 / 1e3] as const)
            .sort(([a], [b]) => a - b),
        })),
      ),
      chart(
        'Throughput by commands in an entry',
        { label: 'commands in an entry', log: true },
        { label: 'million per second', log: true },
        [
          ...windows.map((window, colour) => ({
            ...{ name: `${window} outstanding`, colour },
            points: of(window).map((point) => [point.batch, point.opsPerSecond / 1e6] as const),
          })),
          {
            ...{ name: 'raw', colour: 0, broken: true },
            points: of(windows[0]).map((point) => [point.batch, 1e3 / point.rawMeanNs] as const),
          },
        ],
      ),
    ],
    tables: [
      {
        head: ['outstanding', 'per entry', 'commands/s', 'raw commands/s', 'p50', 'p99', 'p99.9', 'raw p50'], // prettier-ignore
        rows: points.map((point) => [
          String(point.outstanding),
          String(point.batch),
          millions(point.opsPerSecond),
          millions(1e9 / point.rawMeanNs),
          duration(point.latencyNs.p50),
          duration(point.latencyNs.p99),
          duration(point.latencyNs.p999),
          duration(point.rawWriteNs.p50),
        ]),
      },
    ],
  };
}

function millions(perSecond: number): string {
  return `${digits(perSecond / 1e6)} million`;
}

function chart(title: string, x: Chart['x'], y: Chart['y'], series: readonly Series[]): Chart {
  return { title, x, y, series };
}
