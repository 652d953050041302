// npm start: sets up, builds, and shows a replicated Redis that survives the death of its leader.
import { join } from 'node:path';
import { runInForeground } from './child.mjs';
import { afterSetUp, root } from './setup.mjs';

await afterSetUp(() =>
  runInForeground(process.execPath, [
    join(root, 'apps/cli/bin/mu.js'),
    'demo',
    ...process.argv.slice(2),
  ]),
);
