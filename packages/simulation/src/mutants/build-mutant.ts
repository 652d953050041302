import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import type { Mutant, Patch } from './mutant.ts';

/** There are no sources to plant a mutant into: the package was installed, not cloned. */
export class NoSourcesError extends Error {
  override readonly name = 'NoSourcesError';
  readonly code = 'NO_SOURCES';

  constructor() {
    super('mutants are planted into source files: run this from a clone of the repository');
  }
}

/** The repository's `packages` folder. Throws `NoSourcesError` outside of a clone. */
function packagesFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'consensus/src/index.ts'))) {
    const above = dirname(folder);
    if (above === folder) throw new NoSourcesError();
    folder = above;
  }
  return folder;
}

/** Replaces one piece of one file; whoever changes that piece must look after its mutant. */
function patch(name: string, { file, find, replace }: Patch, packages: string): Plugin {
  const path = join(packages, file);
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

function patches(mutant: Mutant, packages: string): Plugin[] {
  return [mutant, ...(mutant.also ?? [])].map((one) => patch(mutant.name, one, packages));
}

/** Bundles the hunt over the sources of all packages, with a mutant in them or without. */
export async function buildMutant(mutant: Mutant | undefined, outfile: string): Promise<void> {
  const packages = packagesFolder();
  // Loaded here: it is a tool of the repository, not a dependency of the package.
  const { build } = await import('esbuild');
  await build({
    entryPoints: [join(packages, 'simulation/src/mutants/hunt.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
    alias: {
      '@mu-smr/verbs': join(packages, 'verbs/src/index.ts'),
      '@mu-smr/log': join(packages, 'log/src/index.ts'),
      '@mu-smr/consensus/planes': join(packages, 'consensus/src/planes/index.ts'),
      '@mu-smr/consensus': join(packages, 'consensus/src/index.ts'),
    },
    plugins: mutant === undefined ? [] : patches(mutant, packages),
  });
}
