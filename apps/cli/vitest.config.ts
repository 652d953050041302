import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Whole groups of processes start and end here, on machines with few processors.
  test: { include: ['test/**/*.test.ts'], testTimeout: 90_000, hookTimeout: 30_000 },
});
