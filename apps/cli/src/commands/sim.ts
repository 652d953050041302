import { simulate } from '@mu-smr/simulation';
import { CliError } from '../errors.ts';
import { wholeNumber } from '../output/numbers.ts';

/** `mu sim`: exit status 0 only without violations and liveness failures. */
export async function sim(options: {
  seeds: string;
  first: string;
  faults: string;
  json?: boolean;
}): Promise<number> {
  const { faults } = options;
  if (faults !== 'all' && faults !== 'none')
    throw new CliError('USAGE', `--faults must be all or none, not ${faults}`, 2);
  const seeds = wholeNumber('seeds', options.seeds, 1);
  const first = wholeNumber('first', options.first, 0);
  const result = simulate({ seeds, first, faults });
  if (options.json === true) console.log(JSON.stringify(result));
  else {
    console.log(
      `${result.seeds} seeds from ${result.first}: ${result.steps} steps in ${result.seconds.toFixed(1)} s`,
    );
    for (const { seed, invariant, step } of result.violations)
      console.log(`seed ${seed}: ${invariant} violated at step ${step}`);
    console.log(
      `${result.violations.length} violations, ${result.livenessFailures} liveness failures`,
    );
  }
  return result.violations.length === 0 && result.livenessFailures === 0 ? 0 : 1;
}
