// Which kernel modules the guest loads, and in which order: read from the modules themselves.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Without crc32_generic, `rdma link add` says only "No such file or directory". */
const WANTED = [
  ...['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'veth', 'bridge', 'crc32_generic'],
  ...['udp_tunnel', 'ip6_udp_tunnel', 'ib_uverbs', 'rdma_ucm', 'rdma_rxe'],
];

const plain = (name) => name.replaceAll('-', '_');

function* filesBelow(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

/** The module's bytes; Debian compresses them. */
function bytesOf(path) {
  if (!path.endsWith('.xz')) return readFileSync(path);
  const { status, stdout } = spawnSync('busybox', ['xz', '-dc', path], { maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${path} cannot be unpacked`);
  return stdout;
}

function dependenciesOf(bytes) {
  const found = /\0depends=([^\0]*)\0/.exec(bytes.toString('latin1'));
  return found === null ? [] : found[1].split(',').filter((name) => name !== '');
}

/** Modules of a kernel below lib/modules/VERSION: name and bytes, dependencies first. */
export function modulesInOrder(directory) {
  const paths = new Map();
  for (const path of filesBelow(directory)) {
    const name = /^(.+)\.ko(\.xz)?$/.exec(basename(path))?.[1];
    if (name !== undefined) paths.set(plain(name), path);
  }
  const builtIn = new Set(
    readFileSync(join(directory, 'modules.builtin'), 'utf8')
      .split('\n')
      .map((line) => plain(basename(line, '.ko'))),
  );
  const ordered = new Map();
  const visit = (name) => {
    if (ordered.has(name) || builtIn.has(name)) return;
    const path = paths.get(name);
    if (path === undefined) throw new Error(`the kernel has no module ${name}`);
    const bytes = bytesOf(path);
    for (const dependency of dependenciesOf(bytes)) visit(plain(dependency));
    ordered.set(name, bytes);
  };
  for (const name of WANTED) visit(name);
  return ordered;
}
