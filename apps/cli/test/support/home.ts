import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Directories of its own for the `mu` commands of one test file: other groups are not seen. */
export class Home {
  readonly #directory = mkdtempSync(join(tmpdir(), 'mu-cli-test-'));
  readonly environment: NodeJS.ProcessEnv;

  constructor() {
    const runtime = join(this.#directory, 'run');
    const temporary = join(this.#directory, 'tmp');
    for (const path of [runtime, temporary]) mkdirSync(path);
    this.environment = { ...process.env, XDG_RUNTIME_DIR: runtime, TMPDIR: temporary };
  }

  /** Everything that a `mu` command with this process id has left on this machine. */
  remains(pid: number): string[] {
    const own = new RegExp(`-${pid}(?:$|[-.])`);
    const shared = listed(`/dev/shm/mu-smr-${userInfo().uid}`).filter((name) => own.test(name));
    const files = listed(this.#directory, true).filter((name) => !/^(run|tmp)$/.test(name));
    return [...shared, ...files];
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function listed(path: string, recursive = false): string[] {
  try {
    return readdirSync(path, { recursive, encoding: 'utf8' });
  } catch {
    return [];
  }
}

/** The processes below one, with their command lines; those that only wait to be reaped do not count. */
export function descendants(pid: number): { readonly pid: number; readonly command: string }[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = statOf(Number(name))?.parent;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const below = (one: number): number[] =>
    (children.get(one) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid).map((one) => ({ pid: one, command: commandOf(one) }));
}

/** Whether the process runs, or is stopped; a zombie does not. */
export function isAlive(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Looking through /proc is not free, and the machine is the tested programs'. */
const POLL_MS = 15;

/** Polls until it holds; fails loudly after a time that no healthy machine needs. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const giveUp = performance.now() + 60_000;
  while (!holds()) {
    if (performance.now() > giveUp) throw new Error(`in vain: ${what}`);
    await delay(POLL_MS);
  }
}

function statOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
