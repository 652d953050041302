import { performance } from 'node:perf_hooks';
import { build, type Histogram } from 'hdr-histogram-js';

/** Percentages at which a distribution is kept: every twentieth of it, and its tail. */
const PERCENTAGES = [
  0, 1, 2, 3, 4, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 92, 94, 95,
  96, 97, 98, 99, 99.2, 99.4, 99.6, 99.8, 99.9, 99.95, 99.98, 99.99, 99.995, 99.999, 100,
];

/** Points of a cumulative distribution: so many percent took no longer than so many nanoseconds. */
export type Distribution = readonly (readonly [percent: number, ns: number])[];

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

export interface Tail extends Percentiles {
  readonly p999: number;
  readonly max: number;
}

/** Nanoseconds, from 1 to 100 seconds, to three digits. */
export function latencyHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 1e11,
    numberOfSignificantValueDigits: 3,
  });
}

export function recordMs(into: Histogram, ms: number): void {
  into.recordValue(Math.max(1, Math.round(ms * 1e6)));
}

export function recordEach(into: Histogram, latenciesNs: Iterable<number>): void {
  for (const ns of latenciesNs) into.recordValue(Math.max(1, Math.round(ns)));
}

export function percentilesOf(histogram: Histogram): Percentiles {
  return {
    p50: histogram.getValueAtPercentile(50),
    p99: histogram.getValueAtPercentile(99),
  };
}

export function tailOf(histogram: Histogram): Tail {
  return {
    ...percentilesOf(histogram),
    p999: histogram.getValueAtPercentile(99.9),
    max: histogram.maxValue,
  };
}

/** Points beyond what so many values can tell are left out. */
export function distributionOf(histogram: Histogram): Distribution {
  const count = histogram.totalCount;
  return PERCENTAGES.filter((percent) => percent === 100 || count * (1 - percent / 100) >= 1).map(
    (percent) => [percent, histogram.getValueAtPercentile(percent)],
  );
}

/** What one read of the clock adds to each latency, in nanoseconds. */
export function clockReadNs(): number {
  const reads = 200_000;
  const begin = performance.now();
  for (let n = 0; n < reads; n++) performance.now();
  return ((performance.now() - begin) * 1e6) / reads;
}
