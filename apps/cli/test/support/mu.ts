import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Home } from './home.ts';
import { until } from './home.ts';

const MU = new URL('../../bin/mu.js', import.meta.url).pathname;

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One `mu` command as a user would start it. */
export class Mu {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;

  constructor(home: Home, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    this.#child = spawn(process.execPath, [MU, ...args], {
      env: { ...home.environment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.pid = this.#child.pid!;
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = once(this.#child, 'close').then(([status]: (number | null)[]) => ({
      status,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves once the output matches; rejects when the command ends before. */
  async prints(pattern: RegExp): Promise<void> {
    await until(`${String(pattern)} in ${this.stdout}${this.stderr}`, () => {
      if (pattern.test(this.stdout)) return true;
      if (this.running) return false;
      throw new Error(`mu ended: ${this.stdout}${this.stderr}`);
    });
  }

  /** Ends it as Ctrl-C does. */
  async interrupt(): Promise<Ended> {
    this.signal('SIGINT');
    return this.ended;
  }
}

/** Runs one `mu` command to its end. */
export function mu(home: Home, ...args: readonly string[]): Promise<Ended> {
  return new Mu(home, args).ended;
}

/** The types of all fields, nested as the value is. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, shapeOf(field)]));
}

/** Fields of every benchmark that say where it ran. */
export const ENVIRONMENT = {
  cpu: 'string',
  cpus: 'number',
  node: 'string',
  provider: 'string',
  commit: 'string',
};
