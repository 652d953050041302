import type { Distribution, Percentiles, Tail } from '../../latency.ts';
import { measureProposing } from '../../propose-measurement.ts';
import { cdfCharts } from '../cdf.ts';
import type { Chart, Check, Part, Section, Series } from '../part.ts';
import { bytes, digits, duration } from '../units.ts';

interface Point {
  readonly replicas: number;
  readonly payloadBytes: number;
  readonly meanNs: number;
  readonly latencyNs: Tail;
  readonly rawMeanNs: number;
  readonly rawWriteNs: Percentiles;
  readonly clockReadNs: number;
  readonly distribution: Distribution;
  readonly rawDistribution: Distribution;
}

/** Payloads and group sizes: what a proposal costs at the leader, beside raw writes of the same bytes. */
export function growthPart(plan: {
  readonly replicas: readonly number[];
  readonly payloads: readonly number[];
  readonly count: number;
}): Part<readonly Point[]> {
  return {
    name: 'growth',
    units: plan.replicas.length * plan.payloads.length,
    secondsPerUnit: 0.5 + plan.count / 25_000,
    async measure(signal, done) {
      const points: Point[] = [];
      for (const replicas of plan.replicas) {
        const plans = plan.payloads.map((payloadBytes) => ({
          payloadBytes,
          count: plan.count,
          outstanding: 1,
          batch: 1,
        }));
        const results = await measureProposing({ replicas, signal }, plans, ({ payloadBytes }) =>
          done(`${replicas} replicas, ${bytes(payloadBytes)}`),
        );
        for (const [n, result] of results.entries())
          points.push({ replicas, payloadBytes: plans[n].payloadBytes, ...result });
      }
      return points;
    },
    show,
  };
}

function show(points: readonly Point[]): Section {
  return {
    title: 'Payloads and group sizes',
    text: [
      "One proposal at a time, decided and applied at the leader before the next begins. Its limit is a loop in C++ that writes the same bytes to the same peers through the same provider until a majority has them, in turns with ours. On fewer cores than replicas all of it also holds what the leader waits for: followers that replay beside it. What is the leader's own stands in the next part.",
    ],
    checks: headline(points),
    charts: [
      byPayload(points),
      byReplicas(points),
      ...cdfCharts(
        `${points[0].replicas} replicas`,
        points
          .filter(({ replicas }) => replicas === points[0].replicas)
          .flatMap(({ payloadBytes, distribution, rawDistribution }, colour) => [
            { name: bytes(payloadBytes), distribution, colour },
            {
              name: `raw ${bytes(payloadBytes)}`,
              distribution: rawDistribution,
              colour,
              broken: true,
            },
          ]),
      ),
    ],
    tables: [
      {
        head: ['replicas', 'payload', 'mean', 'p50', 'p99', 'p99.9', 'raw mean', 'ratio of means'], // prettier-ignore
        rows: points.map((point) => [
          String(point.replicas),
          bytes(point.payloadBytes),
          duration(point.meanNs),
          duration(point.latencyNs.p50),
          duration(point.latencyNs.p99),
          duration(point.latencyNs.p999),
          duration(point.rawMeanNs),
          digits(point.meanNs / point.rawMeanNs),
        ]),
      },
    ],
  };
}

/** The figure everybody asks for: 64 bytes, three replicas. */
function headline(points: readonly Point[]): Check[] {
  const point = points.find(({ replicas, payloadBytes }) => replicas === 3 && payloadBytes === 64);
  if (point === undefined) return [];
  const { meanNs, rawMeanNs, latencyNs, rawWriteNs } = point;
  const check = (what: string, measured: string, limit: string, goal: string, met: boolean) => ({
    what: `64 B, 3 replicas: ${what}`,
    ...{ measured, limit, goal, met },
  });
  const ratio = meanNs / rawMeanNs;
  return [
    check('mean', duration(meanNs), `raw ${duration(rawMeanNs)}`, '≤ 300 ns', meanNs <= 300),
    check('mean, times raw', digits(ratio), '1', '≤ 12', ratio <= 12),
    check('p99', duration(latencyNs.p99), `raw ${duration(rawWriteNs.p99)}`, '≤ 2 µs', latencyNs.p99 <= 2000), // prettier-ignore
  ];
}

function byPayload(points: readonly Point[]): Chart {
  const sizes = [...new Set(points.map(({ replicas }) => replicas))];
  return {
    title: 'Median latency by payload',
    x: { label: 'bytes of a command', log: true },
    y: { label: 'µs', log: true },
    series: sizes.flatMap((size, colour) => {
      const of = points.filter(({ replicas }) => replicas === size);
      return lines(`${size} replicas`, colour, of, ({ payloadBytes }) => payloadBytes);
    }),
  };
}

function byReplicas(points: readonly Point[]): Chart {
  const payloads = [...new Set(points.map(({ payloadBytes }) => payloadBytes))];
  return {
    title: 'Median latency by group size',
    x: { label: 'replicas' },
    y: { label: 'µs', log: true },
    series: payloads.flatMap((payload, colour) => {
      const of = points.filter(({ payloadBytes }) => payloadBytes === payload);
      return lines(bytes(payload), colour, of, ({ replicas }) => replicas);
    }),
  };
}

/** Ours, and its limit as a broken line. */
function lines(
  name: string,
  colour: number,
  points: readonly Point[],
  x: (point: Point) => number,
): Series[] {
  return [
    { name, colour, points: points.map((point) => [x(point), point.latencyNs.p50 / 1e3]) },
    {
      ...{ name: `raw, ${name}`, colour, broken: true },
      points: points.map((point) => [x(point), point.rawWriteNs.p50 / 1e3]),
    },
  ];
}
