import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from '../errors.ts';
import { onParentDeath } from '../group/parent-death.ts';
import { makeBenchDirectory, removeBenchDirectory } from './bench-directory.ts';

/**
 * Has a program of ours (`dist/NAME.js`, which calls `serveMeasurement`) carry out a plan in a process of its
 * own, with nothing else on its thread, and collects what it finds, piece by piece.
 */
export async function measureInProcess<Plan, Piece>(
  name: string,
  plan: Plan,
  signal: AbortSignal,
  found: (piece: Piece) => void,
): Promise<Piece[]> {
  signal.throwIfAborted();
  const directory = makeBenchDirectory();
  const path = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const [command, args] = onParentDeath('KILL', process.execPath, [path]);
  const child = fork(path, {
    execPath: command,
    execArgv: args.slice(0, -1),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    detached: true,
  });
  const abort = (): boolean => child.kill('SIGKILL');
  signal.addEventListener('abort', abort, { once: true });
  const pieces: Piece[] = [];
  child.on('message', (piece: Piece) => {
    pieces.push(piece);
    found(piece);
  });
  try {
    child.send({ directory, plan });
    const [status] = (await once(child, 'exit')) as [number | null];
    signal.throwIfAborted();
    if (status !== 0) throw new CliError('BENCH_FAILED', `${name} ended with status ${status}`);
    return pieces;
  } finally {
    signal.removeEventListener('abort', abort);
    removeBenchDirectory(directory);
  }
}

/** The other side: measures as planned, in a fabric of its own, and ends. */
export function serveMeasurement<Plan, Piece>(
  measure: (fabric: string, plan: Plan, found: (piece: Piece) => void) => void,
): void {
  process.once('message', ({ directory, plan }: { directory: string; plan: Plan }) => {
    void (async () => {
      const own = mkdtempSync(join(directory, 'measuring-'));
      const sent: Promise<void>[] = [];
      try {
        measure(join(own, 'fabric'), plan, (piece) =>
          sent.push(new Promise((resolve) => process.send?.(piece, () => resolve()))),
        );
        await Promise.all(sent);
      } finally {
        rmSync(own, { recursive: true, force: true });
        process.disconnect();
      }
    })();
  });
}
