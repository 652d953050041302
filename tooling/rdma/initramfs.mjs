// The guest's first file system: busybox, /init and the kernel modules, as a cpio archive.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes `archive`. `shares` are the read-only shares besides /usr: tag and path. */
export function writeInitramfs({ archive, work, busybox, init, modules, shares }) {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, 'bin'), { recursive: true });
  mkdirSync(join(work, 'modules'));
  copyFileSync(busybox, join(work, 'bin/busybox'));
  copyFileSync(init, join(work, 'init'));
  for (const name of ['bin/busybox', 'init']) chmodSync(join(work, name), 0o755);
  for (const [name, bytes] of modules) writeFileSync(join(work, 'modules', `${name}.ko`), bytes);
  writeFileSync(join(work, 'modules/order'), `${[...modules.keys()].join('\n')}\n`);
  writeFileSync(join(work, 'shares'), shares.map(({ tag, path }) => `${tag}:${path}\n`).join(''));
  const packed = spawnSync('sh', ['-c', `find . | busybox cpio -o -H newc >"$0"`, archive], {
    cwd: work,
    encoding: 'utf8',
  });
  if (packed.status !== 0) throw new Error(`the initramfs cannot be packed: ${packed.stderr}`);
  rmSync(work, { recursive: true });
}
