import type { Distribution } from '../latency.ts';
import type { Chart, Series } from './part.ts';

interface Named {
  readonly name: string;
  readonly distribution: Distribution;
  readonly colour: number;
  readonly broken?: boolean;
}

/** The cumulative distributions of latencies, and beside them their tails. */
export function cdfCharts(title: string, of: readonly Named[]): Chart[] {
  const latency = { label: 'latency in µs', log: true };
  const series = (points: (distribution: Distribution) => Series['points']): Series[] =>
    of.map(({ distribution, ...rest }) => ({ ...rest, points: points(distribution) }));
  return [
    {
      title,
      x: latency,
      y: { label: '% no slower' },
      series: series((distribution) => distribution.map(([percent, ns]) => [ns / 1e3, percent])),
    },
    {
      title: `${title}: the tail`,
      x: latency,
      y: { label: '% slower', log: true },
      series: series((distribution) =>
        distribution.flatMap(([percent, ns]) =>
          percent < 100 ? [[ns / 1e3, 100 - percent] as const] : [],
        ),
      ),
    },
  ];
}
