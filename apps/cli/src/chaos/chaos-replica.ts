/**
 * `mu` for a replica under chaos: the same, but its event loop stands still when its supervisor says
 * so. Its background thread goes on: it is fate sharing that must notice.
 */
import { main } from '../main.ts';

/** What the supervisor sends. */
export interface BlockEventLoop {
  readonly kind: 'block';
  readonly ms: number;
}

const nothing = new Int32Array(new SharedArrayBuffer(4));
process.on('message', (message: BlockEventLoop) => {
  if (message.kind === 'block') Atomics.wait(nothing, 0, 0, message.ms);
});

await main(process.argv);
