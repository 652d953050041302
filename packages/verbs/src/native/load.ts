import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { VerbsError } from '../errors.ts';
import type { Binding } from './binding.ts';

const require = createRequire(import.meta.url);

let loaded: Binding | undefined;

/**
 * The native addon of this platform: the only place that knows where the binary is.
 *
 * Throws `VerbsError` ENOSYS where there is none for this platform or it does not load, with the way
 * out in its text.
 */
export function loadBinding(): Binding {
  if (loaded !== undefined) return loaded;
  const platform = `${process.platform}-${process.arch}`;
  // Bundled code stands in dist/, sources one folder deeper.
  const path = ['../prebuilds', '../../prebuilds']
    .map((up) => fileURLToPath(new URL(`${up}/${platform}/mu_verbs.node`, import.meta.url)))
    .find((candidate) => existsSync(candidate));
  if (path === undefined)
    throw new VerbsError(
      'load',
      'ENOSYS',
      38,
      `no native addon for ${platform}: build it with "npm run build:native" in ` +
        '@mu-smr/verbs (needs make and a C++20 compiler), or use the sim provider',
    );
  try {
    loaded = require(path) as Binding;
  } catch (cause) {
    throw new VerbsError('load', 'ENOSYS', 38, `${path} does not load on this system`, { cause });
  }
  loaded.initialize(VerbsError);
  return loaded;
}

/** Why there is no native addon, or `undefined` when there is one. */
export function bindingProblem(): string | undefined {
  try {
    loadBinding();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
