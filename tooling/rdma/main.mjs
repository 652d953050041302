// npm run test:rdma: boots a real kernel with Soft-RoCE in QEMU, runs the RDMA suites inside, and reports
// test by test. Arguments: names of suites (default all); --shell for a shell in the guest instead.
import { mkdirSync, readdirSync, rmSync, copyFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCommand, installTools, root } from '../../scripts/setup.mjs';
import { bundleInto } from './bundles.mjs';
import { packagesInCache, runDirectory } from './cache.mjs';
import { writeInitramfs } from './initramfs.mjs';
import { modulesInOrder } from './kernel-modules.mjs';
import { runMachine } from './machine.mjs';
import { Results } from './results.mjs';
import { PROGRAMS, SUITES } from './suites.mjs';

/** A machine of one's own needs two minutes; one that is shared may need its time. */
const LIMIT_MS = 590_000;
const SHELL_LIMIT_MS = 24 * 3_600_000;
const TOOLS = [
  { command: 'qemu-system-x86_64', package: 'qemu-system-x86' },
  { command: 'busybox', package: 'busybox-static' },
];

function checkMachine() {
  if (process.arch !== 'x64')
    throw new Error(`test:rdma needs an x86-64 machine, this is ${process.arch}`);
  const missing = installTools(TOOLS);
  if (missing.length > 0)
    throw new Error(
      `test:rdma needs QEMU, and it could not be installed here: ${missing
        .map((tool) => `sudo apt-get install --no-install-recommends ${tool.package}`)
        .join('; ')}`,
    );
}

/** Folders that the guest sees at the same path: this tree, and Node's where that is not in /usr. */
function sharesOfHost() {
  const shares = [{ tag: 'project', path: root }];
  const prefix = dirname(dirname(process.execPath));
  if (!prefix.startsWith('/usr')) shares.push({ tag: 'node', path: prefix });
  return shares;
}

/** Everything that the guest runs, in a folder that it may also write to. */
async function fillShared(shared, names) {
  rmSync(shared, { recursive: true, force: true });
  mkdirSync(shared, { recursive: true });
  const guest = fileURLToPath(new URL('guest', import.meta.url));
  for (const name of readdirSync(guest)) copyFileSync(join(guest, name), join(shared, name));
  const chosen = SUITES.filter(({ name, onlyNamed }) =>
    names.length === 0 ? onlyNamed !== true : names.includes(name),
  );
  if (chosen.length === 0)
    throw new Error(`no such suite: there are ${SUITES.map(({ name }) => name).join(', ')}`);
  const tests = chosen.filter((suite) => suite.tests !== undefined);
  await bundleInto(shared, {
    ...PROGRAMS,
    ...Object.fromEntries(tests.map((suite) => [suite.name, suite.tests])),
  });
  writeFileSync(join(shared, 'plan'), chosen.map(planned).join(''));
  const mu = `MU='${process.execPath} ${join(root, 'apps/cli/bin/mu.js')}'\n`;
  const verbs = join(root, 'packages/verbs/dist/index.js');
  const allocate = `ALLOCATE='${process.execPath} /share/allocate.mjs ${verbs}'\n`;
  writeFileSync(join(shared, 'environment.sh'), mu + allocate);
}

/** A line of the plan that guest.sh reads. */
function planned({ name, seconds, tests }) {
  if (tests === undefined) return `${name} ${seconds} .\n`;
  const node = `${process.execPath} --test-reporter /share/reporter.mjs`;
  return `${name} ${seconds} cd ${root} && ${node} /share/bundles/${name}.js\n`;
}

async function main(args) {
  const interactive = args.includes('--shell');
  const names = args.filter((name) => name !== '--shell');
  checkMachine();
  const packages = packagesInCache((text) => console.log(`test:rdma: ${text}`));
  const run = runDirectory('run');
  const shares = sharesOfHost();
  await fillShared(join(run, 'share'), names);
  if (interactive) writeFileSync(join(run, 'share/plan'), 'shell 0 .\n');
  writeInitramfs({
    archive: join(run, 'initramfs.cpio'),
    work: join(run, 'initramfs'),
    busybox: findCommand('busybox'),
    init: fileURLToPath(new URL('guest/init.sh', import.meta.url)),
    modules: modulesInOrder(packages.modules),
    shares,
  });
  console.log(`test:rdma: booting Linux ${packages.version} with three Soft-RoCE devices`);
  return (interactive ? lendShell : boot)({
    kernel: packages.kernel,
    initramfs: join(run, 'initramfs.cpio'),
    sysroot: packages.sysroot,
    shared: join(run, 'share'),
    shares,
  });
}

/** Gives the terminal to a shell in the machine. */
async function lendShell(machine) {
  const status = await runMachine({
    ...machine,
    interactive: true,
    limitMs: SHELL_LIMIT_MS,
    line: () => undefined,
  });
  return status ?? 1;
}

/** Boots, and once more when the guest's kernel panicked before it came to the tests. */
async function boot(machine) {
  const began = Date.now();
  for (let attempt = 1; ; attempt++) {
    const results = new Results((text) => console.log(text));
    const limitMs = LIMIT_MS - (Date.now() - began);
    const status = await runMachine({ ...machine, limitMs, line: (text) => results.line(text) });
    if (status === undefined && !results.begun && attempt === 1) {
      console.log('test:rdma: the guest did not come up; booting once more');
      continue;
    }
    return summarize(status, results, Date.now() - began);
  }
}

function summarize(status, { passed, failures }, ms) {
  const seconds = (ms / 1000).toFixed(0);
  console.log(`\ntest:rdma: ${passed} passed, ${failures.length} failed, in ${seconds} s`);
  for (const failure of failures) console.log(`  ✗ ${failure}`);
  if (status === undefined) console.log('test:rdma: the guest ended without a verdict');
  return status === 0 && failures.length === 0 && passed > 0 ? 0 : 1;
}

// Who is told to end does so by the hooks on exit, which end the machine and remove its folder.
for (const [signal, number] of [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
])
  process.once(signal, () => process.exit(128 + number));
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
