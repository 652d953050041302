// Runs turbo below the pnpm that package.json names, which need not be installed: turbo calls it for
// every task. Arguments go to turbo.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const manifest = new URL('../package.json', import.meta.url);
const { packageManager } = JSON.parse(readFileSync(manifest, 'utf8'));

const { status } = spawnSync(
  'npx',
  ['--yes', packageManager, 'exec', 'turbo', ...process.argv.slice(2)],
  {
    cwd: new URL('..', import.meta.url),
    stdio: 'inherit',
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', TURBO_PRINT_VERSION_DISABLED: '1' },
  },
);
process.exitCode = status ?? 1;
