import { CliError } from '../errors.ts';
import { monotonicUs } from '../output/clock.ts';
import { BenchGroup, type BenchChild } from './bench-group.ts';
import type { TakeOverTimes } from './messages.ts';

/** What ends a leader's time: SIGKILL, SIGSTOP, or its own transfer of leadership. */
export const FAILOVER_KINDS = ['kill', 'pause', 'graceful'] as const;
export type FailoverKind = (typeof FAILOVER_KINDS)[number];

/** One fail-over: its times, and what must not have happened in it. */
export interface Trial {
  readonly signalledUs: number;
  readonly times: TakeOverTimes;
  readonly lostAcknowledged: number;
  readonly duplicated: number;
  readonly falseSuspicions: number;
}

export const REPLICAS = 3;
/** How long the leader writes before the signal. */
const WRITING_MS = 1000;
const TAKE_OVER_MS = 20_000;

/** A fresh group, a leader that writes, a signal, and the successor's first command. */
export function runTrial(
  kind: FailoverKind,
  signal: AbortSignal,
  devices?: readonly string[],
): Promise<Trial> {
  return BenchGroup.with({ replicas: REPLICAS, devices, signal }, (group) => failOver(group, kind));
}

/** The parts of fail-overs in microseconds, in the order of the trials. */
export interface Spans {
  /** From the signal to the first command decided by the new leader. */
  readonly total: readonly number[];
  /** From the signal to the suspicion. */
  readonly detection: readonly number[];
  /** From the request to the last grant it waited for. */
  readonly permission: readonly number[];
  /** From there until the new leader had everything that may be decided. */
  readonly catchUp: readonly number[];
  /** And from there to its first decided command. */
  readonly firstCommand: readonly number[];
}

export function spansOf(trials: readonly Trial[]): Spans {
  const of = (span: (times: TakeOverTimes, signalledUs: number) => number): number[] =>
    trials.map(({ times, signalledUs }) => span(times, signalledUs));
  return {
    total: of((times, signalledUs) => times.decidedUs - signalledUs),
    detection: of((times, signalledUs) => times.suspectedUs - signalledUs),
    permission: of((times) => times.grantedUs - times.requestedUs),
    catchUp: of((times) => times.caughtUpUs - times.grantedUs),
    firstCommand: of((times) => times.decidedUs - times.caughtUpUs),
  };
}

async function failOver(group: BenchGroup, kind: FailoverKind): Promise<Trial> {
  const leader = await writingLeader(group);
  const before = await suspicions(group);

  const survivors = group.children.filter((child) => child !== leader);
  const taken = firstOf(survivors.map((child) => child.next('tookOver', TAKE_OVER_MS)));
  const signalledUs = await end(leader, kind);
  const { times } = await taken;

  if (kind !== 'kill') await resumed(group, leader);
  const checked = await check(group, leader);
  // Each survivor suspects the old leader once, and nobody else; nobody one that hands over.
  const suspected = (await suspicions(group)) - before;
  const expected = kind === 'graceful' ? 0 : survivors.length;
  return { signalledUs, times, ...checked, falseSuspicions: Math.max(0, suspected - expected) };
}

/** Ends the leader's time; returns when, in microseconds. */
async function end(leader: BenchChild, kind: FailoverKind): Promise<number> {
  if (kind === 'graceful') {
    const transferring = leader.next('transferring', TAKE_OVER_MS);
    leader.send({ kind: 'transfer' });
    return (await transferring).atUs;
  }
  // Once without effect: what is measured begins when the signal is sent, not while our code is loaded.
  leader.signal(0);
  const signalledUs = monotonicUs();
  leader.signal(kind === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  return signalledUs;
}

/** The first that succeeds; what the last failure said when none does. */
async function firstOf<T>(promises: readonly Promise<T>[]): Promise<T> {
  try {
    return await Promise.any(promises);
  } catch (error) {
    throw (error as AggregateError).errors.at(-1);
  }
}

/**
 * Has every replica write while it leads, and returns the one that still leads after a while, with all
 * the others behind it: a group that misses one already has no spare for a fail-over.
 */
async function writingLeader(group: BenchGroup): Promise<BenchChild> {
  for (const child of group.children) child.send({ kind: 'write', enabled: true });
  for (;;) {
    const before = await group.leader();
    await new Promise((resolve) => setTimeout(resolve, WRITING_MS));
    const { child: leader, report } = await group.leading();
    const whole = report.confirmed === group.children.length;
    if (leader === before && whole && group.notes(leader.id).acknowledged > 0) return leader;
  }
}

async function suspicions(group: BenchGroup): Promise<number> {
  return (await group.reports()).reduce((sum, { report }) => sum + report.suspicions, 0);
}

/** Continues the old leader, should it be stopped, and waits until it has caught up with its successor, as a follower. */
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
