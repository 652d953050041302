import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    mutants: 'src/mutants/index.ts',
    'seed-worker': 'src/seed-worker.ts',
    hunt: 'src/mutants/hunt.ts',
  },
  // A devDependency, which tsup would bundle: only who has a clone can use it.
  external: ['esbuild'],
  format: ['esm'],
  target: 'node20',
  dts: true,
  sourcemap: true,
  clean: true,
});
