// Builds the addon for this machine into prebuilds/<platform>-<arch>/, with `make` and a C++ compiler
// only: Node-API headers come from npm, so nothing is downloaded and no Node version is bound.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Variables for native/Makefile. */
export function makeArguments() {
  return [
    `NODE_API_INCLUDE=${join(dirname(require.resolve('node-api-headers/package.json')), 'include')}`,
    `NODE_ADDON_API_INCLUDE=${dirname(require.resolve('node-addon-api/package.json'))}`,
  ];
}

/** Runs make in native/; returns its exit status. */
export function make(target, ...variables) {
  const jobs = `-j${availableParallelism()}`;
  const result = spawnSync('make', ['--silent', jobs, target, ...makeArguments(), ...variables], {
    cwd: join(packageDirectory, 'native'),
    stdio: 'inherit',
  });
  if (result.error !== undefined) throw result.error;
  return result.status ?? 1;
}

function main() {
  if (process.platform !== 'linux') {
    console.log(
      `@mu-smr/verbs: no native provider on ${process.platform}; the sim provider works.`,
    );
    return 0;
  }
  const status = make('addon');
  if (status !== 0) return status;
  const target = join(packageDirectory, 'prebuilds', `${process.platform}-${process.arch}`);
  mkdirSync(target, { recursive: true });
  const draft = join(target, `mu_verbs.${process.pid}.tmp`);
  copyFileSync(join(packageDirectory, 'native/build/mu_verbs.node'), draft);
  // A running process may have the old file mapped: replace it, never write into it.
  renameSync(draft, join(target, 'mu_verbs.node'));
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(main());
