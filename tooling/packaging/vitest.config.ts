import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'packaging',
    include: ['*.test.ts'],
    // Packing, and npm with its registry: minutes on a busy machine.
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
});
