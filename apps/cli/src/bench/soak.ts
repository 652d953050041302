import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../errors.ts';
import { onParentDeath } from '../group/parent-death.ts';
import { BenchGroup, type BenchChild } from './bench-group.ts';
import type { BenchReport } from './messages.ts';

export const SOAKS = ['writes', 'idle', 'load'] as const;
export type SoakKind = (typeof SOAKS)[number];

export interface SoakResult {
  readonly seconds: number;
  /** Commands that were applied, and how often the log went around its ring. */
  readonly commands: number;
  readonly wraps: number;
  /** Longest time without a decided command at the leader; and seconds in which it decided none. */
  readonly longestGapMs: number;
  readonly secondsWithout: number;
  /** Resident memory of the replicas that live to the end, together. */
  readonly rssBytes: { readonly afterFifth: number; readonly last: number; readonly max: number };
  readonly digestsEqual: boolean;
  readonly duplicated: number;
  readonly missing: number;
  readonly leaderChanges: number;
  /** Suspicions of replicas that lived; in a run with writes one follower is killed. */
  readonly falseSuspicions: number;
}

interface Sample {
  readonly commands: number;
  readonly leader: number | undefined;
  readonly longestGapMs: number;
  /** By replica. */
  readonly rssBytes: readonly number[];
}

const REPLICAS = 3;
const SAMPLE_MS = 1000;
const EQUAL_MS = 30_000;

/** Runs a group for so long and looks at it every second. */
export async function soak(
  kind: SoakKind,
  seconds: number,
  signal: AbortSignal,
  passed: (seconds: number) => void,
): Promise<SoakResult> {
  using busy = kind === 'load' ? busyProcessors() : undefined;
  return BenchGroup.with({ replicas: REPLICAS, signal }, async (group) => {
    if (busy !== undefined) for (const child of group.children) child.send({ kind: 'litter' });
    await group.leader();
    const before = await suspicions(group);
    for (const child of group.children) child.send({ kind: 'write', enabled: kind !== 'idle' });

    const begin = performance.now();
    const since = (): number => (performance.now() - begin) / 1e3;
    const samples: Sample[] = [];
    let killed: BenchChild | undefined;
    while (since() < seconds) {
      await delay(SAMPLE_MS);
      samples.push(await sample(group));
      passed(since());
      if (kind === 'writes' && killed === undefined && since() > seconds / 3)
        killed = await killFollower(group);
    }
    const took = since();
    for (const child of group.children) child.send({ kind: 'write', enabled: false });
    const reports = await equalReports(group);
    // Each survivor rightly suspects the one that was killed.
    const rightly = killed === undefined ? 0 : REPLICAS - 1;
    return {
      seconds: took,
      ...summaryOf(samples, reports, killed?.id),
      falseSuspicions: Math.max(0, (await suspicions(group)) - before - rightly),
    };
  });
}

function summaryOf(
  samples: readonly Sample[],
  reports: readonly BenchReport[],
  killed: number | undefined,
): Omit<SoakResult, 'seconds' | 'falseSuspicions'> {
  const rss = samples.map(({ rssBytes }) =>
    rssBytes.reduce((sum, bytes, id) => sum + (id === killed ? 0 : bytes), 0),
  );
  const [{ applied, capacityBytes, digest }] = reports;
  const changed = samples.filter(({ leader }, n) => n > 0 && leader !== samples[n - 1].leader);
  const without = samples.filter(({ commands }, n) => n > 0 && commands <= samples[n - 1].commands);
  return {
    commands: commandsOf(reports[0]),
    wraps: Math.floor(applied / capacityBytes),
    longestGapMs: Math.max(...samples.map(({ longestGapMs }) => longestGapMs)),
    secondsWithout: without.length,
    rssBytes: {
      afterFifth: rss[Math.floor(rss.length / 5)],
      last: rss[rss.length - 1],
      max: Math.max(...rss),
    },
    digestsEqual: reports.every((report) => report.digest === digest),
    duplicated: reports.reduce((sum, report) => sum + report.duplicated, 0),
    missing: reports.reduce((sum, report) => sum + report.missing.length, 0),
    leaderChanges: changed.length,
  };
}

async function sample(group: BenchGroup): Promise<Sample> {
  const reports = await group.reports();
  return {
    commands: Math.max(...reports.map(({ report }) => commandsOf(report))),
    leader: reports.find(({ report }) => report.leads)?.child.id,
    longestGapMs: Math.max(...reports.map(({ report }) => report.longestGapMs)),
    rssBytes: group.children.map(residentBytes),
  };
}

function commandsOf({ last }: BenchReport): number {
  return last.reduce((sum, count) => sum + count, 0);
}

/** The reports of all that live, once they are equal; or as they are when that takes too long. */
async function equalReports(group: BenchGroup): Promise<BenchReport[]> {
  const until = performance.now() + EQUAL_MS;
  for (;;) {
    const reports = (await group.reports()).map(({ report }) => report);
    const equal = reports.every(({ applied }) => applied === reports[0].applied);
    if (equal || performance.now() > until) return reports;
    await delay(20);
  }
}

async function killFollower(group: BenchGroup): Promise<BenchChild> {
  const leader = await group.leader();
  const follower = group.children.find((child) => child !== leader && child.alive);
  if (follower === undefined)
    throw new CliError('BENCH_FAILED', 'no follower is left to be killed');
  follower.signal('SIGKILL');
  return follower;
}

async function suspicions(group: BenchGroup): Promise<number> {
  return (await group.reports()).reduce((sum, { report }) => sum + report.suspicions, 0);
}

/** VmRSS of a process; 0 of one that has ended. */
function residentBytes({ pid }: BenchChild): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** One endless loop for each processor; ends with what is returned, or with this process. */
function busyProcessors(): Disposable {
  const loops = Array.from({ length: availableParallelism() }, () => {
    const [command, args] = onParentDeath('KILL', 'sh', ['-c', 'while :; do :; done']);
    return spawn(command, args, { stdio: 'ignore' });
  });
  return {
    [Symbol.dispose]() {
      for (const loop of loops) loop.kill('SIGKILL');
    },
  };
}
