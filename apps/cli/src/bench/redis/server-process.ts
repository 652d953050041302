import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { CliError } from '../../errors.ts';
import { onParentDeath } from '../../group/parent-death.ts';

/** How long a server gets to come up, and to end by itself. */
const START_MS = 20_000;
const GRACE_MS = 5000;
const OUTPUT_CHARACTERS_MAX = 16 * 1024;

/** A server of a benchmark: a child that says when it is ready, and dies with us. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #exited: Promise<void>;
  #output = '';

  constructor(name: string, command: string, args: readonly string[]) {
    this.#name = name;
    const [wrapped, all] = onParentDeath('KILL', command, args);
    // A process group of its own: Ctrl-C on the terminal is ours to handle, in order.
    this.#child = spawn(wrapped, all, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#exited = new Promise((resolve) => {
      this.#child.once('close', () => resolve());
      this.#child.once('error', (error) => {
        this.#output += error.message;
        resolve();
      });
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX);
      });
  }

  get alive(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** Resolves with what the pattern found in its output; rejects when it ends before. */
  async ready(pattern: RegExp): Promise<RegExpExecArray> {
    const giveUp = AbortSignal.timeout(START_MS);
    for (;;) {
      const found = pattern.exec(this.#output);
      if (found !== null) return found;
      if (!this.alive || giveUp.aborted) throw this.#failed();
      const printed = once(this.#child.stdout!, 'data', { signal: giveUp });
      await Promise.race([printed, this.#exited]).catch(() => undefined);
    }
  }

  async end(): Promise<void> {
    if (!this.alive) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #failed(): CliError {
    const words = this.#output.trim().split('\n').slice(-3).join(' | ') || 'it said nothing';
    return new CliError('BENCH_FAILED', `${this.#name} did not start: ${words}`);
  }
}
