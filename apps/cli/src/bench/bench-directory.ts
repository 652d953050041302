import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { defaultFabric } from '@mu-smr/verbs';
import { inOwnDirectory, removeIfEmpty } from '../group/own-directory.ts';
import { identityOf } from '../group/processes.ts';

/** Makes a directory for one run of a benchmark; those of runs that were killed go. */
export function makeBenchDirectory(): string {
  const fabric = defaultFabric();
  const own = inOwnDirectory(fabric, () => mkdtempSync(join(fabric, `bench-${process.pid}-`)));
  for (const name of readdirSync(fabric)) {
    const pid = /^bench-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && identityOf(Number(pid)) === undefined)
      rmSync(join(fabric, name), { recursive: true, force: true });
  }
  return own;
}

/** Removes it, and the fabric's directory with the last one. */
export function removeBenchDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true });
  removeIfEmpty(defaultFabric());
}
