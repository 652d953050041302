import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { linearFit } from '../src/bench/report/linear-fit.ts';
import type { Chart, Check } from '../src/bench/report/part.ts';
import { TimeLeft } from '../src/bench/report/time-left.ts';
import { bytes, duration } from '../src/bench/report/units.ts';
import { Home } from './support/home.ts';
import { Mu } from './support/mu.ts';

const PARTS = [
  'growth',
  'leaderCost',
  'throughput',
  'wraps',
  'modelled',
  'failover',
  'permissions',
  'redis',
];

const home = new Home();
const directory = mkdtempSync(join(tmpdir(), 'mu-report-test-'));
afterAll(() => {
  home.remove();
  rmSync(directory, { recursive: true });
});

describe('mu bench report --quick', () => {
  it('measures every part and writes one page that needs nothing else', async () => {
    const html = join(directory, 'report.html');
    const command = new Mu(home, ['bench', 'report', '--quick', '--out', html, '--json']);
    const { status, stdout, stderr } = await command.ended;
    expect(home.remains(command.pid)).toEqual([]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) as string });

    // A leader that was lost in the middle, on a busy machine, has its measurement repeated.
    const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('note: '));
    expect(lines.map((line) => / (\w+), about \d+ (s|min) left$/.exec(line)?.[1])).toEqual(PARTS);

    const json = join(directory, 'report.json');
    const summary = JSON.parse(stdout) as { goals: number; missed: number };
    expect(summary).toMatchObject({ bench: 'report', html, json });
    const report = JSON.parse(readFileSync(json, 'utf8')) as {
      checks: Check[];
      failures: string[];
    };
    expect(Object.keys(report)).toEqual(expect.arrayContaining(PARTS));
    expect(report.failures).toEqual([]);
    expect(report.checks).toHaveLength(summary.goals);
    expect(report.checks.filter(({ met }) => !met)).toHaveLength(summary.missed);

    inspect(readFileSync(html, 'utf8'));
  }, 180_000);
});

/** Charts with points in them, a script that parses, and nothing to be fetched. */
function inspect(page: string): void {
  const charts = [
    ...page.matchAll(/<div class="chart"><script type="application\/json">(.*?)<\/script>/g),
  ].map(([, json]) => JSON.parse(json) as Chart);
  expect(charts.length).toBeGreaterThanOrEqual(14);
  for (const { title, series } of charts) {
    expect({ title, series: series.length }).not.toEqual({ title, series: 0 });
    for (const { name, points } of series) {
      const ascending = points.every(([x], n) => n === 0 || points[n - 1][0] <= x);
      const finite = points.flat().every(Number.isFinite);
      expect({ title, name, ascending, finite, empty: points.length === 0 }).toEqual({
        ...{ title, name, ascending: true, finite: true, empty: false },
      });
    }
  }
  const script = /<script>([^]*?)<\/script>/.exec(page)?.[1];
  expect(() => new Script(script ?? 'no script')).not.toThrow();
  expect(script).toContain('uplot');
  expect(page).not.toMatch(/<(script|link|img)[^>]* (src|href)=/);
}

describe('linearFit', () => {
  const inputs = [2, 4, 8].flatMap((peers) => [1, 10, 100].map((size) => [1, peers, peers * size]));

  it('finds the plane that points lie on', () => {
    const fit = linearFit(
      inputs.map((one) => ({ inputs: one, y: 100 + 30 * one[1] + 0.25 * one[2] })),
    );
    for (const [n, expected] of [100, 30, 0.25].entries())
      expect(fit.coefficients[n]).toBeCloseTo(expected, 6);
    expect(fit.rSquared).toBeCloseTo(1, 9);
    expect(fit.residualMax).toBeLessThan(1e-9);
    expect(fit.predict([1, 2, 20])).toBeCloseTo(165, 6);
  });

  it('tells how far off the farthest point is', () => {
    const { residualMax, rSquared } = linearFit(
      inputs.map((one, n) => ({ inputs: one, y: (100 + 30 * one[1]) * (n === 4 ? 1.5 : 1) })),
    );
    expect(residualMax).toBeGreaterThan(0.15);
    expect(rSquared).toBeLessThan(0.95);
  });
});

describe('TimeLeft', () => {
  it('expects what was planned, until it knows how slow the machine is', () => {
    const left = new TimeLeft(100);
    expect(left.seconds).toBe(100);
    left.done(10, 20);
    expect(left.seconds).toBe(180);
    left.done(90, 100);
    expect(left.seconds).toBe(0);
  });
});

describe('figures for people', () => {
  it.each([
    [0.4567, '0.457 ns'],
    [999, '999 ns'],
    [1450, '1.45 µs'],
    [123_456, '123 µs'],
    [2e6, '2 ms'],
  ])('%d ns is %s', (ns, text) => {
    expect(duration(ns)).toBe(text);
  });

  it.each([
    [64, '64 B'],
    [4096, '4 KiB'],
    [2 ** 28, '256 MiB'],
  ])('%d bytes are %s', (count, text) => {
    expect(bytes(count)).toBe(text);
  });
});
