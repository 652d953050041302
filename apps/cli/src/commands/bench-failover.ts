import { BenchGroup, type BenchChild } from '../bench/bench-group.ts';
import { environment } from '../bench/environment.ts';
import type { TakeOverTimes } from '../bench/messages.ts';
import { CliError } from '../errors.ts';
import { interruption } from '../interruption.ts';
import { monotonicUs } from '../output/clock.ts';
import { percentile, wholeNumber } from '../output/numbers.ts';

interface Trial {
  readonly signalledUs: number;
  readonly times: TakeOverTimes;
  readonly lostAcknowledged: number;
  readonly duplicated: number;
  readonly falseSuspicions: number;
}

const REPLICAS = 3;
/** How long the leader writes before the signal. */
const WRITING_MS = 1000;
const TAKE_OVER_MS = 20_000;

/** `mu bench failover`: exit status 0 only when nothing acknowledged was lost or applied twice. */
export async function benchFailover(options: {
  trials: string;
  kind: string;
  json?: boolean;
}): Promise<number> {
  const trials = wholeNumber('trials', options.trials, 1, 10_000);
  const { kind } = options;
  if (kind !== 'kill' && kind !== 'pause')
    throw new CliError('USAGE', `--kind must be kill or pause, not ${kind}`, 2);

  const signal = interruption();
  const done: Trial[] = [];
  for (let n = 0; n < trials; n++) {
    done.push(
      await BenchGroup.with({ replicas: REPLICAS, signal }, (group) => runTrial(group, kind)),
    );
    if (process.stderr.isTTY) process.stderr.write(`\rtrial ${n + 1} of ${trials}`);
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const report = { ...summary(kind, done), ...environment() };
  if (options.json === true) console.log(JSON.stringify(report));
  else print(report);
  return report.lostAcknowledged === 0 && report.duplicated === 0 ? 0 : 1;
}

/** A fresh group, a leader that writes, a signal, and the successor's first command. */
async function runTrial(group: BenchGroup, kind: 'kill' | 'pause'): Promise<Trial> {
  const leader = await writingLeader(group);
  const before = await suspicions(group);

  const survivors = group.children.filter((child) => child !== leader);
  const taken = firstOf(survivors.map((child) => child.next('tookOver', TAKE_OVER_MS)));
  // Once without effect: what is measured begins when the signal is sent, not while our code is loaded.
  leader.signal(0);
  const signalledUs = monotonicUs();
  leader.signal(kind === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  const { times } = await taken;

  if (kind === 'pause') await resumed(group, leader);
  const checked = await check(group, leader);
  // Each survivor suspects the old leader once, and nobody else.
  const suspected = (await suspicions(group)) - before;
  const expected = survivors.length;
  return { signalledUs, times, ...checked, falseSuspicions: Math.max(0, suspected - expected) };
}

/** The first that succeeds; what the last failure said when none does. */
async function firstOf<T>(promises: readonly Promise<T>[]): Promise<T> {
  try {
    return await Promise.any(promises);
  } catch (error) {
    throw (error as AggregateError).errors.at(-1);
  }
}

/** Has every replica write while it leads, and returns the one that still leads after a while. */
async function writingLeader(group: BenchGroup): Promise<BenchChild> {
  for (const child of group.children) child.send({ kind: 'write', enabled: true });
  for (;;) {
    const leader = await group.leader();
    await new Promise((resolve) => setTimeout(resolve, WRITING_MS));
    if ((await group.leader()) === leader && group.notes(leader.id).acknowledged > 0) return leader;
  }
}

async function suspicions(group: BenchGroup): Promise<number> {
  return (await group.reports()).reduce((sum, { report }) => sum + report.suspicions, 0);
}

/** Continues the old leader and waits until it has caught up with its successor, as a follower. */
async function resumed(group: BenchGroup, old: BenchChild): Promise<void> {
  old.signal('SIGCONT');
  for (const child of group.children) child.send({ kind: 'write', enabled: false });
  for (let round = 0; round < 500; round++) {
    const reports = await group.reports();
    const leading = reports.find(({ report }) => report.leads);
    const own = reports.find(({ child }) => child === old);
    const equal = own?.report.last.every((last, origin) => last === leading?.report.last[origin]);
    if (leading !== undefined && leading.child !== old && equal === true) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new CliError('BENCH_FAILED', 'the continued leader did not become an equal follower');
}

/** Compares what was acknowledged to the old leader with what the new one applied. */
async function check(
  group: BenchGroup,
  old: BenchChild,
): Promise<{ lostAcknowledged: number; duplicated: number }> {
  // On a loaded machine leadership may have moved on meanwhile.
  const { last, missing, duplicated } = (await group.leading()).report;
  const behind = Math.max(0, group.notes(old.id).acknowledged - last[old.id]);
  // A number may be passed over only where its proposer could not tell what became of it.
  const lost = missing.filter(([origin, number]) => !group.notes(origin).unknown.includes(number));
  return { lostAcknowledged: behind + lost.length, duplicated };
}

function summary(kind: string, trials: readonly Trial[]) {
  const spans = (of: (trial: Trial) => number): number[] => trials.map(of);
  const total = spans(({ signalledUs, times }) => times.decidedUs - signalledUs);
  const sum = (of: (trial: Trial) => number): number =>
    trials.reduce((all, trial) => all + of(trial), 0);
  const median = (of: (trial: Trial) => number): number => percentile(spans(of), 50);
  return {
    bench: 'failover',
    kind,
    trials: trials.length,
    totalUs: { p50: percentile(total, 50), p99: percentile(total, 99), max: Math.max(...total) },
    detectUs: median(({ signalledUs, times }) => times.suspectedUs - signalledUs),
    permissionUs: median(({ times }) => times.grantedUs - times.requestedUs),
    catchUpUs: median(({ times }) => times.caughtUpUs - times.grantedUs),
    lostAcknowledged: sum((trial) => trial.lostAcknowledged),
    duplicated: sum((trial) => trial.duplicated),
    falseSuspicions: sum((trial) => trial.falseSuspicions),
  };
}

function print(report: ReturnType<typeof summary> & { cpu: string; commit: string }): void {
  const us = (value: number): string => `${value.toFixed(0)} µs`;
  const { totalUs } = report;
  console.log(
    [
      `${report.trials} fail-overs by ${report.kind}, from the signal to the first command decided by the new leader`,
      `total      p50 ${us(totalUs.p50)}, p99 ${us(totalUs.p99)}, max ${us(totalUs.max)}`,
      `of which   detection ${us(report.detectUs)}, permissions ${us(report.permissionUs)}, catching up ${us(report.catchUpUs)} (medians)`,
      `lost ${report.lostAcknowledged}, applied twice ${report.duplicated}, false suspicions ${report.falseSuspicions}`,
      `${report.cpu}, commit ${report.commit}`,
    ].join('\n'),
  );
}
