import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

interface Report {
  readonly provider: string;
  readonly latencyNs: { readonly p50: number };
  readonly rawWriteNs: { readonly p50: number };
  readonly rawOneWriteNs: { readonly p50: number };
  readonly ratioOfMedians: number;
}

it('measures proposals beside raw writes of the same run', async () => {
  const mu = join(process.cwd(), 'apps/cli/bin/mu.js');
  const devices = 'ibverbs:rxe0:1:1,rxe1:1:1,rxe2:1:1';
  const plan = ['bench', 'propose', '--fabric', devices, '--count', '3000', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, [mu, ...plan]);
  const report = JSON.parse(stdout) as Report;
  const us = ({ p50 }: { p50: number }): string => `${(p50 / 1000).toFixed(0)} µs`;
  console.log(
    `    propose ${us(report.latencyNs)}, raw to a majority ${us(report.rawWriteNs)}, ` +
      `to one ${us(report.rawOneWriteNs)}: ratio of medians ${report.ratioOfMedians.toFixed(2)}`,
  );
  expect(report.provider).toBe('ibverbs');
  // All were decided, or the command had failed. What the ratio is stands above: emulated processors that
  // are shared with other work make it too restless to be held to.
  for (const { p50 } of [report.latencyNs, report.rawWriteNs, report.rawOneWriteNs])
    expect(p50).toBeGreaterThan(0);
}, 120_000);
