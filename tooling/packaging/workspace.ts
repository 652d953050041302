import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a program to its end; rejects with what it printed when it fails, else returns that. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd, timeout: 150_000 });
    return stdout;
  } catch (cause) {
    const { message, stdout = '' } = cause as Error & { readonly stdout?: string };
    throw new Error(`${message}\n${stdout}`, { cause });
  }
}

/** The pnpm that the workspace names, as `scripts/setup.mjs` calls it. */
export function pnpm(args: readonly string[], cwd: string): Promise<string> {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    packageManager: string;
  };
  return run('npx', ['--yes', packageManager, ...args], cwd);
}

/** The code blocks of a README in one of these languages, in order. */
export function codeBlocks(readme: string, language: RegExp): string[] {
  return [...readFileSync(readme, 'utf8').matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => language.test(found))
    .map(([, , code]) => code);
}

/** The lines of a text in alphabetical order: processes print in no certain order. */
export function sortedLines(text: string): string[] {
  return text.trim().split('\n').sort();
}
