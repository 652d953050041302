import type { Distribution, Percentiles, Tail } from '../../latency.ts';
import { measureProposing } from '../../propose-measurement.ts';
import { cdfCharts } from '../cdf.ts';
import type { Part, Section } from '../part.ts';
import { duration } from '../units.ts';

interface Point {
  readonly fabricRttNs: number;
  readonly latencyNs: Tail;
  readonly rawWriteNs: Percentiles;
  readonly distribution: Distribution;
  readonly rawDistribution: Distribution;
}

/** A write between two machines of the paper's kind takes so long. */
const PAPER_RTT_NS = 1150;
const GOAL_NS = 1450;

/** A network's round trip added to each write: how much of ours hides in it. */
export function modelledPart(plan: {
  readonly roundTripsNs: readonly number[];
  readonly count: number;
}): Part<readonly Point[]> {
  return {
    name: 'modelled',
    units: plan.roundTripsNs.length,
    secondsPerUnit: 1 + plan.count / 25_000,
    async measure(signal, done) {
      const points: Point[] = [];
      for (const fabricRttNs of plan.roundTripsNs) {
        const one = { payloadBytes: 64, count: plan.count, outstanding: 1, batch: 1 };
        const [result] = await measureProposing({ replicas: 3, fabricRttNs, signal }, [one]);
        done(`a round trip of ${duration(fabricRttNs)}`);
        points.push({ fabricRttNs, ...result });
      }
      return points;
    },
    show,
  };
}

function show(points: readonly Point[]): Section {
  const paper = points.filter(({ fabricRttNs }) => fabricRttNs === PAPER_RTT_NS);
  return {
    title: 'Modelled round trips',
    text: [
      'Modelled: shared memory on which each completion is held back until the round trip of a network is over. These are no figures of a network; they show how much of our own work is done while one waits for it.',
    ],
    checks: paper.map(({ latencyNs, rawWriteNs }) => ({
      what: 'Modelled round trip of 1,150 ns: p50',
      measured: duration(latencyNs.p50),
      limit: `raw ${duration(rawWriteNs.p50)}`,
      goal: '≤ 1.45 µs',
      met: latencyNs.p50 <= GOAL_NS,
    })),
    charts: cdfCharts(
      'Modelled round trips',
      points.flatMap(({ fabricRttNs, distribution, rawDistribution }, colour) => [
        { name: duration(fabricRttNs), distribution, colour },
        { name: `raw, ${duration(fabricRttNs)}`, distribution: rawDistribution, colour, broken: true },
      ]), // prettier-ignore
    ),
    tables: [
      {
        head: ['modelled round trip', 'p50', 'p99', 'p99.9', 'raw p50', 'raw p99', 'p50 above raw'],
        rows: points.map(({ fabricRttNs, latencyNs, rawWriteNs }) => [
          duration(fabricRttNs),
          duration(latencyNs.p50),
          duration(latencyNs.p99),
          duration(latencyNs.p999),
          duration(rawWriteNs.p50),
          duration(rawWriteNs.p99),
          duration(latencyNs.p50 - rawWriteNs.p50),
        ]),
      },
    ],
  };
}
