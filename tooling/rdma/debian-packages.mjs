// Debian packages for the guest: fetched with apt lists of their own, unpacked, and never installed.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** What the guest needs beyond the machine's own /usr. */
const SYSROOT_PACKAGES = [
  ...['libibverbs1', 'libibverbs-dev', 'ibverbs-providers', 'librdmacm1', 'ibverbs-utils'],
  ...['perftest', 'libibumad3', 'libpci3', 'iproute2', 'libnl-3-200', 'libnl-route-3-200'],
  ...['libmnl0', 'libbsd0', 'libmd0', 'libcap2', 'libbpf1', 'libelf1', 'libxtables12', 'libdb5.3'],
  ...['libselinux1', 'libpcre2-8-0', 'zlib1g', 'libtirpc3'],
];

/** Debian's keys, where the package debian-archive-keyring puts them. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Runs a command to its end; throws with what it said when it fails. */
export function execute(command, args, options = {}) {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (result.error !== undefined) throw new Error(`${command}: ${result.error.message}`);
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(' ')} failed:\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** The release this machine runs, e.g. `bookworm`. */
function codename() {
  const found = /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'));
  if (found === null) throw new Error('/etc/os-release names no VERSION_CODENAME');
  return found[1];
}

/** The line of this machine's own sources for a release: whichever mirror it uses, we use. */
function ownSource(release) {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const targets = execute('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  for (const line of targets.split('\n')) {
    const [uri, suite, component] = line.split(' ');
    if (suite === release && component === 'main') return uri;
  }
  throw new Error(`apt knows no source with ${release} main`);
}

/** apt with lists and archives below `directory`, which touches nothing of the system's. */
function privateApt(directory) {
  const release = codename();
  const uri = ownSource(release);
  for (const name of ['lists/partial', 'archives/partial'])
    mkdirSync(join(directory, name), { recursive: true });
  const options = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : '';
  const suites = [release, `${release}-updates`, `${release}-backports`];
  const sources = suites.map((suite) => `deb ${options}${uri} ${suite} main\n`).join('');
  writeFileSync(join(directory, 'sources.list'), sources);
  return [
    ...['-o', `Dir::Etc::sourcelist=${join(directory, 'sources.list')}`],
    ...['-o', 'Dir::Etc::sourceparts=-', '-o', `Dir::State::lists=${join(directory, 'lists')}`],
    ...[
      '-o',
      `Dir::Cache=${directory}`,
      '-o',
      'APT::Sandbox::User=root',
      '-o',
      'Acquire::Retries=3',
    ],
  ];
}

/** The newest kernel of the lists: 6.1 underflows a reference count when rxe queue pairs are cycled. */
function kernelPackage(apt) {
  const shown = execute('apt-cache', [...apt, 'show', 'linux-image-amd64']);
  const names = [...shown.matchAll(/^Depends: (linux-image-(\d+)\.(\d+)\.(\d+)\S*)/gm)];
  const newest = names
    .map(([, name, ...version]) => ({ name, order: version.map(Number) }))
    .sort((a, b) => b.order[0] - a.order[0] || b.order[1] - a.order[1] || b.order[2] - a.order[2]);
  if (newest.length === 0) throw new Error('apt knows no linux-image-amd64');
  return newest[0].name;
}

function unpack(archive, into) {
  // /bin, /sbin and /lib of the packages belong into /usr, as on a merged system.
  const fields = `dpkg-deb --fsys-tarfile "$0" | tar -x --keep-directory-symlink -C "$1"`;
  execute('bash', ['-o', 'pipefail', '-c', fields, archive, into]);
}

/** Fetches and unpacks everything into `directory`: `sysroot/`, and the kernel in `kernel/`. */
export function fetchPackages(directory) {
  rmSync(directory, { recursive: true, force: true });
  const archives = join(directory, 'debs');
  const sysroot = join(directory, 'sysroot');
  const kernel = join(directory, 'kernel');
  for (const path of [archives, join(sysroot, 'usr'), kernel]) mkdirSync(path, { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(sysroot, 'usr', name));
    symlinkSync(`usr/${name}`, join(sysroot, name));
  }
  const apt = privateApt(join(directory, 'apt'));
  execute('apt-get', [...apt, 'update']);
  const image = kernelPackage(apt);
  execute('apt-get', [...apt, 'download', image, ...SYSROOT_PACKAGES], { cwd: archives });
  for (const name of readdirSync(archives))
    unpack(join(archives, name), name.startsWith('linux-image-') ? kernel : sysroot);
  for (const name of ['debs', 'apt']) rmSync(join(directory, name), { recursive: true });
  return image;
}
