import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import type { Mutant } from './mutants.ts';

const PACKAGES = fileURLToPath(new URL('../../../', import.meta.url));
const ENTRY = fileURLToPath(new URL('./entry.ts', import.meta.url));

/** Replaces one piece of one file; whoever changes that piece must look after its mutant. */
function patch({ name, file, find, replace }: Mutant): Plugin {
  const path = PACKAGES + file;
  return {
    name,
    setup(setup) {
      setup.onLoad({ filter: /\.ts$/ }, async (args) => {
        if (args.path !== path) return undefined;
        const source = await readFile(path, 'utf8');
        const pieces = source.split(find);
        if (pieces.length !== 2)
          throw new Error(`"${name}": its text occurs ${pieces.length - 1} times in ${file}`);
        return { contents: pieces.join(replace), loader: 'ts' };
      });
    },
  };
}

/** Bundles the simulator over the sources of all packages, with a mutant in them or without. */
export async function buildSimulation(mutant: Mutant | undefined, outfile: string): Promise<void> {
  await build({
    entryPoints: [ENTRY],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
    alias: {
      '@mu-smr/verbs': `${PACKAGES}verbs/src/index.ts`,
      '@mu-smr/log': `${PACKAGES}log/src/index.ts`,
      '@mu-smr/consensus/planes': `${PACKAGES}consensus/src/planes/index.ts`,
      '@mu-smr/consensus': `${PACKAGES}consensus/src/index.ts`,
    },
    plugins: mutant === undefined ? [] : [patch(mutant)],
  });
}
