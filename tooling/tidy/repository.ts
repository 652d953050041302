import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Folders that hold nothing written by hand. */
const SKIPPED = new Set([
  '.git',
  '.turbo',
  'build',
  'coverage',
  'dist',
  'node_modules',
  'prebuilds',
  'results',
]);

/** Every file written by hand, by its path from the root. */
export function listFiles(folder = root): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    // In a worktree of git's, .git is a file.
    if (SKIPPED.has(entry.name) || path === join(root, 'docs/api')) continue;
    if (entry.isDirectory()) {
      found.push(...listFiles(path));
    } else if (entry.isFile()) {
      found.push(relative(root, path));
    }
  }
  return found.sort();
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Lines of a text, without the empty one after its last newline. */
export function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}

/** Folders with a package.json below packages/ and apps/. */
export function listPackages(files: readonly string[]): string[] {
  return files
    .filter((path) => /^(packages|apps)\/.*\bpackage\.json$/.test(path))
    .map((path) => path.replace(/\/package\.json$/, ''));
}

/** The parts of package.json that are checked. */
export interface Manifest {
  readonly name: string;
  readonly license?: string;
  readonly files?: readonly string[];
  readonly exports?: object;
  readonly bin?: object;
  readonly sideEffects?: boolean;
  readonly engines?: { readonly node?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export function manifestOf(folder: string): Manifest {
  return JSON.parse(read(`${folder}/package.json`)) as Manifest;
}
