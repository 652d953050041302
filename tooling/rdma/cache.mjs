// What is kept between runs, outside the repository: the unpacked packages and the kernel.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fetchPackages } from './debian-packages.mjs';

/** Where that is: $XDG_CACHE_HOME/mu-smr/rdma, by default below ~/.cache. */
export function cacheDirectory() {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(base, 'mu-smr', 'rdma');
}

/**
 * A folder of this process's own in the cache. It is removed when the process ends; what processes left
 * that were killed, the next one removes.
 */
export function runDirectory(purpose) {
  mkdirSync(cacheDirectory(), { recursive: true });
  for (const name of readdirSync(cacheDirectory())) {
    const owner = /^(?:run|fetch)-(\d+)$/.exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    rmSync(join(cacheDirectory(), name), { recursive: true, force: true });
  }
  const directory = join(cacheDirectory(), `${purpose}-${process.pid}`);
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The packages, fetched when they are not there or the recipe changed. */
export function packagesInCache(report) {
  const directory = cacheDirectory();
  const recipe = readFileSync(new URL('debian-packages.mjs', import.meta.url));
  const wanted = createHash('sha256').update(recipe).digest('hex');
  const stamp = join(directory, 'packages/recipe');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    report("fetching the guest's kernel and RDMA packages (once)");
    const fetched = runDirectory('fetch');
    fetchPackages(fetched);
    writeFileSync(join(fetched, 'recipe'), wanted);
    rmSync(join(directory, 'packages'), { recursive: true, force: true });
    renameSync(fetched, join(directory, 'packages'));
  }
  const packages = join(directory, 'packages');
  const boot = join(packages, 'kernel/boot');
  const image = readdirSync(boot).find((name) => name.startsWith('vmlinuz-'));
  const version = image.slice('vmlinuz-'.length);
  const lib = existsSync(join(packages, 'kernel/usr/lib/modules')) ? 'usr/lib' : 'lib';
  return {
    sysroot: join(packages, 'sysroot'),
    kernel: join(boot, image),
    version,
    modules: join(packages, 'kernel', lib, 'modules', version),
  };
}
