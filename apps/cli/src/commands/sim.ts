import { availableParallelism } from 'node:os';
import { explain, simulateInParallel, traceOf, type SimulationReport } from '@mu-smr/simulation';
import { CliError } from '../errors.ts';
import { wholeNumber } from '../output/numbers.ts';
import { progress } from '../output/progress.ts';
import { simMutants } from './sim-mutants.ts';

/** How long the first seed that fails is made smaller. */
const MINIMISE_SECONDS = 30;

/** What the command line gives. */
export interface SimOptions {
  seeds: string;
  first: string;
  faults: string;
  threads?: string;
  trace?: boolean;
  mutants?: boolean;
  json?: boolean;
}

/** `mu sim`: exit status 0 only without violations and liveness failures. */
export async function sim(options: SimOptions): Promise<number> {
  const { faults } = options;
  if (faults !== 'all' && faults !== 'none')
    throw new CliError('USAGE', `--faults must be all or none, not ${faults}`, 2);
  const seeds = wholeNumber('seeds', options.seeds, 1);
  const first = wholeNumber('first', options.first, 0);
  const threads = wholeNumber('threads', options.threads ?? `${availableParallelism()}`, 1, 64);
  const json = options.json === true;
  if (options.mutants === true) return simMutants(threads, json);
  if (options.trace === true) {
    for (const line of traceOf(first, faults)) console.log(line);
    return 0;
  }

  const show = progress();
  const report = await simulateInParallel({ seeds, first, faults }, threads, (done, violations) =>
    show(`${done} of ${seeds} seeds, ${violations.length} violations`),
  );
  show();
  if (json) console.log(JSON.stringify(report));
  else print(report);
  explainFirst(report, faults, json ? console.error : console.log);
  return report.violations.length === 0 && report.livenessFailures === 0 ? 0 : 1;
}

function print(report: SimulationReport): void {
  const { seeds, first, steps, seconds, violations, livenessFailures } = report;
  console.log(`${seeds} seeds from ${first}: ${steps} steps in ${seconds.toFixed(1)} s`);
  for (const { seed, invariant, step } of violations)
    console.log(`seed ${seed}: ${invariant} violated at step ${step}`);
  console.log(`${violations.length} violations, ${livenessFailures} liveness failures`);
}

/** Shows the smallest run found that breaks what the first failing seed breaks. */
function explainFirst(
  { violations }: SimulationReport,
  faults: 'all' | 'none',
  print: (line: string) => void,
): void {
  if (violations.length === 0) return;
  const lines = explain(violations[0].seed, faults, { seconds: MINIMISE_SECONDS });
  for (const line of lines) print(line);
}
