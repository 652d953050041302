import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // One file at a time: groups of replicas with real threads share two cores with whatever else
    // runs, and elections of one test must not be starved by the simulator of another.
    maxWorkers: 1,
    // A machine that stops for tens of milliseconds changes a leader; such a test runs once more.
    retry: 1,
    projects: [
      'packages/*/vitest.config.ts',
      'packages/adapters/*/vitest.config.ts',
      'apps/*/vitest.config.ts',
      'tooling/*/vitest.config.ts',
    ],
  },
});
