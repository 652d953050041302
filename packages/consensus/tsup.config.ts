import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    planes: 'src/planes/index.ts',
    metrics: 'src/metrics/index.ts',
    'background-worker': 'src/runtime/background-worker.ts',
  },
  format: ['esm'],
  target: 'node20',
  dts: true,
  sourcemap: true,
  clean: true,
});
