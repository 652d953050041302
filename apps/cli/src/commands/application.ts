import { CliError } from '../errors.ts';

/** What a group of `mu` can replicate. */
export type Application = 'redis' | 'kv';

/** Refuses every word that names no application. */
export function checkApplication(word: string): asserts word is Application {
  if (word !== 'redis' && word !== 'kv')
    throw new CliError('USAGE', `unknown application "${word}": redis or kv`, 2);
}
