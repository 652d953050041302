// The native tests under the address and undefined-behaviour sanitizers, in a build of their own.
import { buildAndRun } from './test-native.mjs';

const SANITIZE = '-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer';

process.exit(
  buildAndRun(
    'build/sanitized',
    [`SANITIZE=${SANITIZE}`],
    {
      // Forked writers leave by _exit with their parent's memory: only the parent looks for leaks.
      ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0',
      UBSAN_OPTIONS: 'print_stacktrace=1',
    },
    process.argv.slice(2),
  ),
);
