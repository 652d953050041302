import { huntMutants, MUTANTS, type MutantResult } from '@mu-smr/simulation/mutants';
import { CliError } from '../errors.ts';
import { progress } from '../output/progress.ts';
import { table } from '../output/table.ts';

/** How long seeds are tried on one mutant, which most are seen by in a second. */
const SECONDS_MAX = 300;

/** `mu sim --mutants`: exit status 0 only when every mutant was caught. */
export async function simMutants(threads: number, json: boolean): Promise<number> {
  const show = progress();
  let caught = 0;
  let hunted = 0;
  const results = await huntMutants(MUTANTS, { threads, secondsMax: SECONDS_MAX }, (result) => {
    if (result.caught) caught++;
    show(`${++hunted} of ${MUTANTS.length} mutants, ${caught} caught`);
  }).catch((error: unknown) => {
    const { code, message } = error as { code?: string; message: string };
    throw code === 'NO_SOURCES' ? new CliError(code, message) : error;
  });
  show();
  if (json) console.log(JSON.stringify({ mutants: results }));
  else print(results);
  return results.every((result) => result.caught) ? 0 : 1;
}

function print(results: readonly MutantResult[]): void {
  const rows = results.map(({ name, caught, invariant, seed, seconds }) => [
    caught ? 'caught' : 'SURVIVED',
    invariant ?? '',
    seed === null ? '' : seed === 0 ? 'scenario' : `seed ${seed}`,
    `${seconds.toFixed(1)} s`,
    name,
  ]);
  console.log(table(['', 'by', 'shown by', 'after', 'mutant'], rows));
  const survivors = results.filter(({ caught }) => !caught).length;
  console.log(`${results.length} mutants, ${survivors} survived`);
}
