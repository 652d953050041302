// Builds and runs the native tests; arguments go to the test program (a part of a test's title).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { make } from './build-native.mjs';

const native = fileURLToPath(new URL('../native', import.meta.url));

/** Builds the tests into native/`out`, runs them, and returns the exit status. */
export function buildAndRun(out, makeVariables, environment, titles) {
  if (process.platform !== 'linux') {
    console.log(`native tests need Linux, this is ${process.platform}: skipped`);
    return 0;
  }
  const built = make('test', `OUT=${out}`, ...makeVariables);
  if (built !== 0) return built;
  const result = spawnSync(join(native, out, 'native_tests'), titles, {
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  if (result.error !== undefined) throw result.error;
  if (result.signal !== null) console.error(`native tests ended by ${result.signal}`);
  return result.status ?? 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exit(buildAndRun('build', [], {}, process.argv.slice(2)));
