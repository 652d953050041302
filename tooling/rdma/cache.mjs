// What is kept between runs, outside the repository: the unpacked packages and the kernel.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fetchPackages } from './debian-packages.mjs';

/** Where that is: $XDG_CACHE_HOME/mu-smr/rdma, by default below ~/.cache. */
export function cacheDirectory() {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(base, 'mu-smr', 'rdma');
}

/** The packages, fetched when they are not there or the recipe changed. */
export function packagesInCache(report) {
  const directory = cacheDirectory();
  const recipe = readFileSync(new URL('debian-packages.mjs', import.meta.url));
  const wanted = createHash('sha256').update(recipe).digest('hex');
  const stamp = join(directory, 'packages/recipe');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    mkdirSync(directory, { recursive: true });
    report("fetching the guest's kernel and RDMA packages (once)");
    fetchPackages(join(directory, 'packages'));
    writeFileSync(stamp, wanted);
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
