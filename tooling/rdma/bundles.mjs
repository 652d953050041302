// The TypeScript suites as single files that a plain Node runs in the guest.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import { root } from '../../scripts/setup.mjs';

const verbs = join(root, 'packages/verbs/src/index.ts');
const testing = fileURLToPath(new URL('test/testing.ts', import.meta.url));

/** Bundles `entries` (name → path from the root) into `directory`, and the native addon beside. */
export async function bundleInto(directory, entries) {
  const paths = Object.entries(entries).map(([name, path]) => [name, join(root, path)]);
  await build({
    config: false,
    entry: Object.fromEntries(paths),
    outDir: join(directory, 'bundles'),
    format: 'esm',
    target: 'node20',
    noExternal: [/./],
    splitting: false,
    silent: true,
    removeNodeProtocol: false,
    // What is bundled as CommonJS still asks for Node's own modules by `require`.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    esbuildOptions: (options) => {
      // One copy of each: an error of another copy's class is another error.
      options.alias = { vitest: testing, '@mu-smr/verbs': verbs };
    },
  });
  const addon = `prebuilds/linux-${process.arch}`;
  mkdirSync(join(directory, addon), { recursive: true });
  copyFileSync(
    join(root, 'packages/verbs', addon, 'mu_verbs.node'),
    join(directory, addon, 'mu_verbs.node'),
  );
}
