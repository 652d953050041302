// Runs one program in the foreground: its exit is ours, and Ctrl-C is its to handle.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** Resolves with the exit status, 128 + n for signal n. */
export function runInForeground(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    // A terminal sends Ctrl-C to both of us: we stay until the child has cleaned up.
    const forward = (signal) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward);
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
