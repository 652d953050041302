// Makes a fresh clone ready: Debian packages, npm packages, build. Uses nothing but Node itself, and does
// again only what changed.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const NODE_MAJOR_MIN = 20;
const PNPM = 'pnpm@12.21.0';

/** What the machine must have beyond Node: command or file, Debian package, whether we can do without. */
const TOOLS = [
  { command: 'make', package: 'make', needed: true },
  { command: 'g++', package: 'g++', needed: true },
  { command: 'redis-server', package: 'redis-server', needed: false },
  { command: 'spin', package: 'spin', needed: false },
  // Without these headers the addon is built without its ibverbs provider.
  { file: '/usr/include/infiniband/verbs.h', package: 'libibverbs-dev', needed: false },
];

/** Where a command stands in PATH, or `undefined`. */
export function findCommand(command) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, command))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function isThere({ command, file }) {
  return file === undefined ? findCommand(command) !== undefined : existsSync(file);
}

function run(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
}

/** `apt-get …` as root, or through sudo where that asks no question; false when neither may. */
function apt(...args) {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const asRoot = process.getuid?.() === 0;
  const command = asRoot ? 'apt-get' : 'sudo';
  const prefix = asRoot ? [] : ['-n', 'apt-get'];
  const stdio = ['ignore', 'ignore', 'ignore'];
  return run(command, [...prefix, ...args], { env: environment, stdio }).status === 0;
}

/** Installs a tool's Debian package without starting services; false when that is not allowed here. */
function install(tool) {
  if (findCommand('apt-get') === undefined) return false;
  console.log(`setup: installing the Debian package ${tool.package}`);
  // A redis-server of ours is a child process on a socket of its own: the system's must not start.
  const quietly = ['-y', '--no-install-recommends', '-o', 'DPkg::Options::=--force-confold'];
  if (apt('install', ...quietly, tool.package)) return true;
  return apt('update') && apt('install', ...quietly, tool.package);
}

/** Installs those of these tools that are missing; returns which still are. */
export function installTools(tools) {
  return tools.filter((tool) => !isThere(tool) && !(install(tool) && isThere(tool)));
}

function ensureTools() {
  for (const tool of installTools(TOOLS)) {
    const hint = `install it with: sudo apt-get install ${tool.package}`;
    const problem = `${tool.command ?? tool.file} is missing and could not be installed; ${hint}`;
    if (tool.needed) throw new Error(problem);
    console.log(`setup: ${problem}`);
  }
}

/** Prepares everything; throws an Error with one clear sentence when that cannot be. */
export function setUp() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < NODE_MAJOR_MIN)
    throw new Error(`Node ${NODE_MAJOR_MIN} or newer is needed, this is ${process.version}`);
  if (process.platform !== 'linux') throw new Error(`Linux is needed, this is ${process.platform}`);
  ensureTools();

  console.log('setup: npm packages');
  const reporter = process.stdout.isTTY ? 'default' : 'append-only';
  const pnpm = [
    '--yes',
    PNPM,
    'install',
    '--frozen-lockfile',
    '--prefer-offline',
    `--reporter=${reporter}`,
  ];
  const installed = run('npx', pnpm, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  if (installed.status !== 0)
    throw new Error(`pnpm install failed:\n${installed.stdout}${installed.stderr}`);

  console.log('setup: build');
  const turbo = ['tooling/turbo.mjs', 'run', 'build', '--output-logs=errors-only'];
  const built = run(process.execPath, turbo, {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`the build failed:\n${built.stdout}${built.stderr}`);
}

/** Runs `main` after set-up, and turns its errors into one line and exit status 1. */
export async function afterSetUp(main) {
  try {
    setUp();
    process.exitCode = await main();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
