import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '@mu-smr/simulation';
import type { ChangeCounts } from '../chaos/chaos-changes.ts';
import { ChaosRound, type RoundResult } from '../chaos/chaos-round.ts';
import { findAnomaly } from '../chaos/linearizability.ts';
import { CliError } from '../errors.ts';
import { interruption } from '../interruption.ts';
import { wholeNumber } from '../output/numbers.ts';
import { progress } from '../output/progress.ts';

/** Longest round; shorter ones come from the command line. */
const ROUND_MS = 12_000;

/** What `mu chaos` prints. */
interface ChaosReport {
  seconds: number;
  rounds: number;
  kills: number;
  /** Killed replicas that came back, as new members. */
  restarts: number;
  /** Stopped processes and blocked event loops. */
  pauses: number;
  /** Leaders that handed over. */
  transfers: number;
  /** Changes of the members. */
  changes: ChangeCounts;
  operations: number;
  unknowns: number;
  /** Attempts of writes beyond the first, by clients with sessions. */
  retries: number;
  violations: number;
  digestsEqual: boolean;
}

/** `mu chaos`: exit status 0 only without violations and with equal digests in every round. */
export async function chaos(options: {
  minutes: string;
  seed: string;
  json?: boolean;
}): Promise<number> {
  const minutes = Number(options.minutes);
  if (!(minutes > 0))
    throw new CliError('USAGE', `--minutes must be above 0, not ${options.minutes}`, 2);
  const seed = wholeNumber('seed', options.seed, 0, 0xffff_ffff);
  const begin = performance.now();
  const endMs = begin + minutes * 60_000;
  const signal = interruption();
  const show = progress();
  const report = emptyReport();
  do {
    const random = new Random(seed).fork(`round ${report.rounds}`);
    const ms = Math.min(ROUND_MS, Math.max(1000, endMs - performance.now()));
    const name = `chaos-${process.pid}`;
    count(report, await ChaosRound.run(name, random, ms, signal), seed);
    report.seconds = Math.round(performance.now() - begin) / 1000;
    show(
      `${report.rounds} rounds, ${report.operations} operations, ${report.violations} violations`,
    );
  } while (performance.now() < endMs);
  show();
  console.log(options.json === true ? JSON.stringify(report) : sentence(report));
  const unfinished = report.changes.unfinished > 0;
  return report.violations === 0 && report.digestsEqual && !unfinished ? 0 : 1;
}

function emptyReport(): ChaosReport {
  return {
    seconds: 0,
    rounds: 0,
    kills: 0,
    restarts: 0,
    pauses: 0,
    transfers: 0,
    changes: { additions: 0, removals: 0, replacements: 0, unfinished: 0 },
    operations: 0,
    unknowns: 0,
    retries: 0,
    violations: 0,
    digestsEqual: true,
  };
}

/** Adds a round, and decides for each key whether what clients saw of it is linearizable. */
function count(report: ChaosReport, result: RoundResult, seed: number): void {
  const { history, kills, restarts, pauses, transfers, changes, disagreement } = result;
  report.kills += kills;
  report.restarts += restarts;
  report.pauses += pauses;
  report.transfers += transfers;
  for (const kind of Object.keys(changes) as (keyof ChangeCounts)[])
    report.changes[kind] += changes[kind];
  report.operations += history.operations.length;
  report.unknowns += history.unknowns;
  report.retries += history.retries;
  let wrong = disagreement !== undefined;
  report.digestsEqual &&= !wrong;
  if (wrong) console.error(`round ${report.rounds}: the replicas did not come to the same state`);
  if (changes.unfinished > 0)
    console.error(`round ${report.rounds}: a change of the members did not end`);
  for (const [key, operations] of history.byKey()) {
    const anomaly = findAnomaly(operations);
    if (anomaly === undefined) continue;
    wrong = true;
    report.violations++;
    console.error(
      `round ${report.rounds}, key ${key}: ${anomaly.problem}: ${anomaly.values.join(', ')}`,
    );
  }
  if (wrong) {
    const file = join(tmpdir(), `mu-chaos-${seed}-round-${report.rounds}.json`);
    writeFileSync(file, JSON.stringify({ operations: history.operations, disagreement }));
    console.error(`the round's history, and what replicas that differ said last, is in ${file}`);
  }
  report.rounds++;
}

function sentence(report: ChaosReport): string {
  const { seconds, rounds, kills, restarts, pauses, transfers, changes } = report;
  const { operations, unknowns, retries, violations } = report;
  const { additions, removals, replacements, unfinished } = changes;
  return (
    `${rounds} rounds in ${seconds.toFixed(0)} s: ${kills} kills, ${restarts} restarts, ${pauses} pauses, ${transfers} transfers, ` +
    `${additions} additions, ${removals} removals and ${replacements} replacements of members (${unfinished} unfinished), ` +
    `${operations} operations (${unknowns} of unknown outcome), ${retries} retries in sessions, ${violations} violations, ` +
    `states ${report.digestsEqual ? 'equal' : 'DIFFERENT'}`
  );
}
