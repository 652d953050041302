// npm test: sets up, builds, and runs every test of every package.
import { join } from 'node:path';
import { runInForeground } from './child.mjs';
import { afterSetUp, root } from './setup.mjs';

await afterSetUp(() =>
  runInForeground(join(root, 'node_modules/.bin/vitest'), ['run', ...process.argv.slice(2)], {
    cwd: root,
  }),
);
