/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// What the page of the report runs in a browser: draws the charts that stand in it as JSON.
import uPlot from 'uplot';
import type { Axis, Chart, Series } from '../part.ts';
import { digits } from '../units.ts';

const COLOURS = ['#1f6feb', '#d1242f', '#1a7f37', '#9a6700', '#8250df', '#bf3989', '#0a7ea4', '#57606a']; // prettier-ignore
const HEIGHT = 330;

for (const holder of document.querySelectorAll<HTMLElement>('.chart')) {
  const chart = JSON.parse(holder.querySelector('script')!.textContent) as Chart;
  const plot = new uPlot(optionsOf(chart, holder.clientWidth), dataOf(chart), holder);
  addEventListener('resize', () => plot.setSize({ width: holder.clientWidth, height: HEIGHT }));
}

/** One column of x for all series; where a series has no point, its line goes on. */
function dataOf({ series }: Chart): uPlot.AlignedData {
  const places = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))];
  places.sort((a, b) => a - b);
  // Of several points at one place the last counts: a step of a cumulative distribution.
  const columns = series.map(({ points }) => {
    const at = new Map(points);
    return places.map((x) => at.get(x));
  });
  return [places, ...columns];
}

function optionsOf({ title, x, y, series, marks }: Chart, width: number): uPlot.Options {
  return {
    ...{ title, width, height: HEIGHT },
    scales: { x: scaleOf(x), y: scaleOf(y) },
    axes: [axisOf(x, 40), axisOf(y, 56)],
    series: [{ label: x.label, value: (_, value) => shown(value) }, ...series.map(seriesOf)],
    legend: { live: true },
    hooks: { drawClear: [(plot) => drawMarks(plot, marks ?? [])] },
  };
}

function scaleOf({ log }: Axis): uPlot.Scale {
  return { time: false, ...(log === true ? { distr: 3, log: 10 } : {}) };
}

function axisOf({ label, log }: Axis, size: number): uPlot.Axis {
  return {
    label,
    size,
    grid: { stroke: '#8883', width: 1 },
    values: (_, splits) =>
      splits.map((value) => (log === true && !roundish(value) ? '' : shown(value))),
  };
}

/** 1, 2 and 5 of each power of ten: the others would run into each other. */
function roundish(value: number): boolean {
  const first = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
  return [1, 2, 5].some((one) => Math.abs(first - one) < 1e-6);
}

function seriesOf({ name, colour, broken }: Series): uPlot.Series {
  return {
    label: name,
    stroke: COLOURS[colour % COLOURS.length],
    width: 1.6,
    spanGaps: true,
    ...(broken === true ? { dash: [5, 4] } : {}),
    points: { show: false },
    value: (_, value) => shown(value),
  };
}

function shown(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return value === 0 ? '0' : digits(value);
}

function drawMarks(plot: uPlot, marks: readonly number[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = '#8887';
  for (const mark of marks) {
    const x = plot.valToPos(mark, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
