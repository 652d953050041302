// The direction of imports, in one place: eslint.config.mjs holds import statements to it, and
// tidy.test.ts the dependencies in package.json files.

export const SCOPE = '@mu-smr/';

const LAYERS = ['verbs', 'log', 'consensus'];

/** What the packages in each folder may use of our own: nothing above themselves. */
export const MAY_IMPORT = [
  { folder: 'packages/verbs', may: [] },
  { folder: 'packages/log', may: LAYERS.slice(0, 1) },
  { folder: 'packages/consensus', may: LAYERS.slice(0, 2) },
  { folder: 'packages/simulation', may: LAYERS },
  { folder: 'packages/adapters/*', may: LAYERS },
  { folder: 'apps/replicated-redis', may: [...LAYERS, 'adapter-redis'] },
  // The one place that knows everything: the `mu` command.
  { folder: 'apps/cli', may: [...LAYERS, 'adapter-redis', 'replicated-redis', 'simulation'] },
];
