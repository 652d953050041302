import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { environment } from '../bench/environment.ts';
import { page } from '../bench/report/page/page.ts';
import type { Part, Section } from '../bench/report/part.ts';
import { fullPlan, quickPlan } from '../bench/report/plans.ts';
import { TimeLeft } from '../bench/report/time-left.ts';
import { interruption } from '../interruption.ts';

/**
 * `mu bench report`: measures everything and writes one HTML page, and the JSON beside it. A part that
 * fails says so there, and in the exit status; the others stand.
 */
export async function benchReport(options: {
  out: string;
  quick?: boolean;
  json?: boolean;
}): Promise<number> {
  const quick = options.quick === true;
  const html = resolve(options.out);
  const json = `${html.replace(/\.html$/, '')}.json`;
  const head = { environment: environment(), when: new Date(), quick };
  const parts = quick ? quickPlan() : fullPlan();
  const { data, sections, failures } = await measureAll(parts, interruption());
  const checks = sections.flatMap((section) => section.checks);
  const report = {
    ...{ bench: 'report', quick, when: head.when.toISOString() },
    ...head.environment,
    checks,
    failures,
    ...data,
  };
  writeFileSync(json, `${JSON.stringify(report)}\n`);
  writeFileSync(html, page(head, sections));
  const missed = checks.filter(({ met }) => !met).length;
  if (options.json === true)
    console.log(JSON.stringify({ bench: 'report', html, json, goals: checks.length, missed }));
  else console.log(`${html}\n${json}\n${missed} of ${checks.length} goals missed`);
  return failures.length === 0 ? 0 : 1;
}

interface Measured {
  readonly data: Record<string, unknown>;
  readonly sections: readonly Section[];
  /** Parts that could not be measured, and why. */
  readonly failures: readonly string[];
}

/** One part after the other; says on stderr what is done and how long the rest will take. */
async function measureAll(parts: readonly Part<unknown>[], signal: AbortSignal): Promise<Measured> {
  const left = new TimeLeft(
    parts.reduce((sum, { units, secondsPerUnit }) => sum + units * secondsPerUnit, 0),
  );
  const show = reporter();
  const data: Record<string, unknown> = {};
  const sections: Section[] = [];
  const failures: string[] = [];
  let lastMs = performance.now();
  for (const [n, part] of parts.entries()) {
    const prefix = `${n + 1}/${parts.length} ${part.name}`;
    show(prefix, left.seconds);
    try {
      const measured = await part.measure(signal, (unit) => {
        const nowMs = performance.now();
        left.done(part.secondsPerUnit, (nowMs - lastMs) / 1e3);
        lastMs = nowMs;
        show(`${prefix}: ${unit}`, left.seconds);
      });
      data[part.name] = measured;
      sections.push(part.show(measured));
    } catch (error) {
      signal.throwIfAborted();
      const failure = `${part.name} could not be measured: ${(error as Error).message}`;
      failures.push(failure);
      sections.push({ title: part.name, text: [failure], checks: [], charts: [], tables: [] });
    }
  }
  show();
  return { data, sections, failures };
}

/** On a terminal one line that changes; elsewhere one line for each part. */
function reporter(): (what?: string, secondsLeft?: number) => void {
  const { isTTY } = process.stderr;
  let part = '';
  return (what, secondsLeft = 0) => {
    if (what === undefined) {
      if (isTTY) process.stderr.write('\r\u001b[2K');
      return;
    }
    const line = `${what}, about ${timeOf(secondsLeft)} left`;
    if (isTTY) process.stderr.write(`\r\u001b[2K${line}`);
    else if (what.split(':')[0] !== part) process.stderr.write(`${line}\n`);
    part = what.split(':')[0];
  };
}

function timeOf(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
