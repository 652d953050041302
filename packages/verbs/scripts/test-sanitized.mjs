// The native tests under the address and undefined-behaviour sanitizers, and those with several threads
// in one process under the thread sanitizer, each in a build of its own.
import { buildAndRun } from './test-native.mjs';

const SANITIZE = '-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer';
/** Titles of tests whose threads share a process; a fork of many threads is beyond the thread sanitizer. */
const THREADED = 'planes of';

const memory = buildAndRun(
  'build/sanitized',
  [`SANITIZE=${SANITIZE}`],
  {
    // Forked writers leave by _exit with their parent's memory: only the parent looks for leaks.
    ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
  },
  process.argv.slice(2),
);
const threads = buildAndRun(
  'build/thread-sanitized',
  ['SANITIZE=-fsanitize=thread -fno-omit-frame-pointer -Wno-tsan'],
  { TSAN_OPTIONS: 'halt_on_error=0:exitcode=66:second_deadlock_stack=1' },
  [THREADED],
);
process.exit(memory === 0 ? threads : memory);
