import { setFlagsFromString } from 'node:v8';

/** Has V8 keep and inline the code of this package as the hot path wants it; for the whole process. */
export function setV8Flags(): void {
  // Else V8 forgets the bytecode of what did not run for a while: all that was rehearsed, that is.
  setFlagsFromString('--no-flush-bytecode');
  // The path of a proposal is some forty small functions; V8 stops inlining in the middle of it otherwise.
  setFlagsFromString('--max-inlined-bytecode-size=3000');
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=6000');
  setFlagsFromString('--max-inlined-bytecode-size-absolute=12000');
}
