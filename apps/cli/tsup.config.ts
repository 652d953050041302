import { copyFile } from 'node:fs/promises';
import { defineConfig, type Options } from 'tsup';

const program: Options = {
  entry: {
    main: 'src/main.ts',
    'bench-replica': 'src/bench/bench-replica.ts',
    'chaos-replica': 'src/chaos/chaos-replica.ts',
    'leader-cost': 'src/bench/leader-cost.ts',
    'permission-switches': 'src/bench/permission-switches.ts',
    'proxied-redis': 'src/bench/redis/proxied-redis.ts',
  },
  format: ['esm'],
  target: 'node20',
  dts: false,
  sourcemap: true,
};

/** What the page of `mu bench report` carries: one script with the plots in it, and their style. */
const page: Options = {
  entry: { 'report-page': 'src/bench/report/page/client.ts' },
  format: ['iife'],
  platform: 'browser',
  target: 'es2022',
  noExternal: ['uplot'],
  minify: true,
  dts: false,
  onSuccess: () => copyFile('node_modules/uplot/dist/uPlot.min.css', 'dist/report-uplot.css'),
};

export default defineConfig([program, page]);
